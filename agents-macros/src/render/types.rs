//! The types and options of an agent.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::{here, home, local};
use crate::attr::agent::{AgentOptions, InitialState};
use crate::model::agent_struct::AgentStruct;
use crate::{attr, names};

/// The struct as it was written, and its `AgentTypes`.
pub(crate) fn agent(agent: &AgentStruct) -> TokenStream {
    let AgentStruct { item, options, is_plain } = agent;
    if !is_plain {
        return item.to_token_stream();
    }
    let rt = &options.runtime;
    let ident = &item.ident;
    let class = names::plain(ident);
    let docs = attr::docs(&item.attrs);
    let any = quote!(#rt::Value);
    let state = associated("State", options.state.as_ref(), &any);
    let connection = associated("Connection", options.connection.as_ref(), &any);
    let props = associated("Props", options.props.as_ref(), &any);
    let env = associated("Env", options.env.as_ref(), &quote!(()));
    let builder = builder(options);
    let initial = initial_state(options);
    let home = home(
        &attr::cfgs(&item.attrs),
        quote! {
            #[automatically_derived]
            impl #rt::AgentTypes for #ident {
                #state
                #connection
                #props
                #env
                const CLASS: &'static str = #class;
                const DOCS: &'static str = #docs;
                fn options() -> #rt::Options {
                    #builder
                }
                fn initial_state() -> #rt::Option<Self::State> {
                    #initial
                }
            }
        },
    );
    quote!(#item #home)
}

/// An associated type; what is wrong with it is told where the user named it.
fn associated(name: &str, given: Option<&Type>, default: &TokenStream) -> TokenStream {
    let span = given.map_or_else(Span::call_site, Spanned::span);
    let name = local(name, span);
    let ty = given.map_or_else(|| default.clone(), ToTokens::to_token_stream);
    quote_spanned!(here(span)=> type #name = #ty;)
}

fn builder(options: &AgentOptions) -> TokenStream {
    let rt = &options.runtime;
    let mut builder = quote!(#rt::Options::new());
    if let Some(flag) = &options.hibernate {
        builder.extend(quote!(.hibernate(#flag)));
    }
    if let Some(milliseconds) = options.hibernate_after {
        builder.extend(quote!(.hibernate_after(#rt::Duration::from_millis(#milliseconds))));
    }
    if let Some(flag) = &options.send_identity {
        builder.extend(quote!(.send_identity(#flag)));
    }
    if let Some(flag) = &options.strict {
        builder.extend(quote!(.strict(#flag)));
    }
    if let Some(name) = &options.name {
        builder.extend(quote!(.name(#name)));
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
