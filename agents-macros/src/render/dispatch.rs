//! The table of an agent, and a wrapper for each callable.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use super::{Scope, Side, here, home, hooks, interface, local, pass};
use crate::model::agent_impl::{AgentImpl, Other};
use crate::model::callable::{Callable, Output, Streamed};
use crate::model::parameter::{Argument, Parameter};
use crate::names;

/// Renders the `impl` as it was written, its table and its interface; for a client only the interface.
pub(crate) fn agent(block: &AgentImpl, side: Side) -> TokenStream {
    let item = &block.item;
    let Some(agent) = &block.agent else { return item.to_token_stream() };
    let interface = interface::interface(block, agent, side);
    if side == Side::Client {
        return home(&block.cfgs, interface).to_token_stream();
    }
    let rt = &block.runtime;
    let scope = |method: &Ident| Scope::new(rt, agent, method, side);
    let callables = block.callables.iter().map(|callable| entry(&scope(&callable.ident), callable));
    let wrappers = block.callables.iter().map(|callable| wrapper(&scope(&callable.ident), callable));
    let others = block.others.iter().map(|Other { name, cfgs }| quote!(#(#cfgs)* #name));
    let hook_entries = block.hooks.iter().map(hooks::entry);
    let hook_wrappers = block.hooks.iter().map(|hook| hooks::wrapper(&scope(&hook.ident), hook));
    let bound = super::bound(rt, agent, side);
    let home = home(
        &block.cfgs,
        quote! {
            #(#wrappers)*
            #(#hook_wrappers)*
            #[automatically_derived]
            impl #rt::Agent for #agent #bound {
                fn table() -> &'static #rt::Table<Self> {
                    const {
                        &#rt::Table {
                            callables: &[#(#callables),*],
                            others: &[#(#others),*],
                            hooks: #rt::Hooks { #(#hook_entries,)* ..#rt::Hooks::NONE },
                        }
                    }
                }
            }
            #interface
        },
    );
    quote!(#item #home)
}

fn wrapper_name(callable: &Callable) -> Ident {
    format_ident!("__call_{}", callable.ident.unraw(), span = here(callable.ident.span()))
}

fn entry(scope: &Scope<'_>, callable: &Callable) -> TokenStream {
    let Scope { rt, site, .. } = scope;
    let site = *site;
    let Callable { ident, name, docs, deprecated, cfgs, options, parameters, .. } = callable;
    let rust_name = names::plain(ident);
    let deprecated = match deprecated {
        Some(note) => quote!(#rt::Option::Some(#note)),
        None => quote!(#rt::Option::None),
    };
    let (write, exclusive, streaming) = (options.write, options.exclusive, callable.is_streaming());
    let internal = options.internal;
    let require = match &options.require {
        Some(right) => quote!(#rt::Option::Some(#right)),
        None => quote!(#rt::Option::None),
    };
    let arguments = parameters.iter().filter_map(|parameter| match parameter {
        Parameter::Argument(Argument { ident, ty, default }) => {
            let rust_name = names::plain(ident);
            let name = agents_case::camel_case(&rust_name);
            let ty = scope.outside(ty);
            let has_default = default.is_some();
            Some(quote_spanned! {site=>
                #rt::Argument {
                    name: #name,
                    rust_name: #rust_name,
                    describe: <#ty as #rt::Wire>::describe,
                    has_default: #has_default,
                }
            })
        }
        Parameter::Injected(_) => None,
    });
    let result = match &callable.output {
        Output::Reply(Some(ty)) => scope.outside(ty),
        Output::Reply(None) | Output::Stream(_) => quote!(()),
    };
    let result = quote_spanned!(site=> <#result as #rt::Reply>::DESCRIBE);
    let (items, ends_by_hand) = match (&callable.output, callable.stream()) {
        (Output::Stream(Streamed { item, .. }), _) => {
            let item = scope.outside(item);
            (quote_spanned!(site=> #rt::Option::Some(<#item as #rt::Reply>::DESCRIBE)), false)
        }
        (_, Some(stream)) => {
            let agent = &scope.agent;
            let ty = scope.outside(&stream.ty);
            (quote_spanned!(site=> <#ty as #rt::FromCall<#agent>>::ITEMS), true)
        }
        _ => (quote!(#rt::Option::None), false),
    };
    let invoke = wrapper_name(callable);
    quote! {
        #(#cfgs)*
        #rt::Callable {
            name: #name,
            rust_name: #rust_name,
            docs: #docs,
            deprecated: #deprecated,
            write: #write,
            require: #require,
            exclusive: #exclusive,
            internal: #internal,
            streaming: #streaming,
            arguments: &[#(#arguments),*],
            result: #result,
            items: #items,
            ends_by_hand: #ends_by_hand,
            invoke: #invoke,
        }
    }
}

/// Renders one function for one callable: it decodes the arguments, makes the references, calls and converts
/// the result.
///
/// The function has the place of the method's name, so that a future that is not `Send` is reported there.
fn wrapper(scope: &Scope<'_>, callable: &Callable) -> TokenStream {
    let Scope { rt, agent, site, bound, .. } = scope;
    let site = *site;
    let [call, args, out, receiver] = ["call", "args", "out", "agent"].map(|name| local(name, site));
    let parts = quote_spanned!(site=> #call.parts());

    let mut read = Vec::new();
    let mut make = Vec::new();
    let mut arguments = Vec::new();
    for (index, parameter) in callable.parameters.iter().enumerate() {
        let value = local(&format!("value_{index}"), site);
        match parameter {
            Parameter::Argument(Argument { ident, ty, default }) => {
                let ty = scope.outside(ty);
                let name = agents_case::camel_case(&names::plain(ident));
                read.push(match default {
                    Some(default) => {
                        let default = crate::model::types::without_self(default, scope.path);
                        quote_spanned! {site=>
                            let #value: #ty = #args.next_or(#name, <#ty as #rt::Wire>::from_json, || #default)?;
                        }
                    }
                    None => quote_spanned! {site=>
                        let #value: #ty = #args.next(#name, <#ty as #rt::Wire>::from_json)?;
                    },
                });
                arguments.push(quote!(#value));
            }
            Parameter::Injected(injected) => {
                let made = scope.injected(injected, &parts);
                make.push(quote_spanned!(site=> let #value = #made?;));
                arguments.push(pass(&value, injected));
            }
        }
    }
    let receiver_argument = quote_spanned!(site=> let #receiver = &#call.agent(););
    let method = scope.call(&callable.ident, callable.is_async, &arguments);
    let answer = match &callable.output {
        Output::Reply(ty) => scope.convert(ty.as_deref(), "Reply", "into_outcome", &out),
        Output::Stream(Streamed { item, fallible }) => {
            let item = scope.outside(item);
            let stream = if *fallible {
                quote_spanned!(site=> #out.map_err(::core::convert::Into::<#rt::Error>::into)?)
            } else {
                quote!(#out)
            };
            quote_spanned! {site=>
                #rt::stream_outcome(#parts, #stream, <#item as #rt::Reply>::into_outcome).await
            }
        }
    };
    let count = read.len();
    // Without parameters the list of arguments is not read.
    let read_arguments =
        (count > 0).then(|| quote_spanned!(site=> let mut #args = #call.arguments(#count)?;));
    let name = wrapper_name(callable);
    let cfgs = &callable.cfgs;
    quote_spanned! {site=>
        #(#cfgs)*
        fn #name(#call: #rt::Call<#agent>) -> #rt::BoxFuture<'static, #rt::Result<#rt::Outcome, #rt::Error>> #bound {
            #rt::Box::pin(async move {
                #read_arguments
                #(#read)*
                #(#make)*
                #receiver_argument
                let #out = #method;
                #answer
            })
        }
    }
}
