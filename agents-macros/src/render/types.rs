//! The types and options of an agent.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{LitStr, Type};

use super::{Side, here, home, local};
use crate::attr::agent::{AgentOptions, InitialState, OnUnreadable};
use crate::model::agent_struct::AgentStruct;
use crate::sql::migrations;
use crate::{attr, names};

/// Renders the struct as it was written, its `AgentClass`, and for a server its `AgentDefinition`.
pub(crate) fn agent(agent: &AgentStruct, side: Side) -> TokenStream {
    let AgentStruct { item, options, is_plain } = agent;
    if !is_plain {
        return item.to_token_stream();
    }
    let rt = &options.runtime;
    let ident = &item.ident;
    let class = names::plain(ident);
    let route = options.name.as_ref().map_or_else(|| agents_case::kebab_case(&class), LitStr::value);
    let docs = attr::docs(&item.attrs);
    let any = quote!(#rt::Value);
    let state = associated("State", options.state.as_ref(), &any);
    let connection = associated("Connection", options.connection.as_ref(), &any);
    let props = associated("Props", options.props.as_ref(), &any);
    let env = associated("Env", options.env.as_ref(), &quote!(()));
    let version = options.version.map(|version| quote!(const VERSION: u32 = #version;));
    let migrations = options.migrations.as_ref().map(|list| {
        let list = match rt.given() {
            Some(path) => migrations::with_path(list, path),
            None => list.clone(),
        };
        quote!(const MIGRATIONS: &'static [#rt::Migration] = #list;)
    });
    let has_env = options.env.as_ref().map(|env| {
        let span = env.span();
        quote_spanned!(here(span)=> #[automatically_derived] impl #rt::AgentEnv<#env> for #ident {})
    });
    let builder = builder(options);
    let initial = initial_state(options);
    let server = (side == Side::Server).then(|| {
        quote! {
            #[automatically_derived]
            impl #rt::AgentDefinition for #ident {
                #connection
                #props
                #env
                #version
                #migrations
                const DOCS: &'static str = #docs;
                fn options() -> #rt::AgentOptions {
                    #builder
                }
                fn initial_state() -> #rt::Option<Self::State> {
                    #initial
                }
            }
            #has_env
        }
    });
    let home = home(
        &attr::cfgs(&item.attrs),
        quote! {
            #[automatically_derived]
            impl #rt::AgentClass for #ident {
                #state
                const CLASS: &'static str = #class;
                const ROUTE: &'static str = #route;
            }
            #server
        },
    );
    // Items that only methods of the server use are unused in a client.
    let quiet = (side == Side::Client).then(|| quote!(#[allow(dead_code)]));
    quote!(#quiet #item #home)
}

/// Renders an associated type; errors about it are reported where the user named it.
fn associated(name: &str, given: Option<&Type>, default: &TokenStream) -> TokenStream {
    let span = given.map_or_else(Span::call_site, Spanned::span);
    let name = local(name, span);
    let ty = given.map_or_else(|| default.clone(), ToTokens::to_token_stream);
    quote_spanned!(here(span)=> type #name = #ty;)
}

fn builder(options: &AgentOptions) -> TokenStream {
    let rt = &options.runtime;
    let mut builder = quote!(#rt::AgentOptions::new());
    if let Some(flag) = &options.hibernate {
        builder.extend(quote!(.hibernate(#flag)));
    }
    if let Some(milliseconds) = options.hibernate_after {
        builder.extend(quote!(.hibernate_after(#rt::Duration::from_millis(#milliseconds))));
    }
    if let Some(flag) = &options.send_identity {
        builder.extend(quote!(.send_identity(#flag)));
    }
    if let Some(flag) = &options.callable_methods {
        builder.extend(quote!(.callable_methods(#flag)));
    }
    if let Some(flag) = &options.strict {
        builder.extend(quote!(.strict(#flag)));
    }
    match options.on_unreadable {
        Some(OnUnreadable::Fail) => builder.extend(quote!(.on_unreadable(#rt::OnUnreadable::Fail))),
        Some(OnUnreadable::Initial) => builder.extend(quote!(.on_unreadable(#rt::OnUnreadable::Initial))),
        None => {}
    }
    builder
}

fn initial_state(options: &AgentOptions) -> TokenStream {
    let rt = &options.runtime;
    match (&options.state, &options.initial_state) {
        (None, _) | (_, Some(InitialState::None)) => quote!(#rt::Option::None),
        (Some(_), Some(InitialState::Expression(value))) => quote!(#rt::Option::Some(#value)),
        (Some(state), None) => quote!(#rt::Option::Some(<#state as ::core::default::Default>::default())),
    }
}
