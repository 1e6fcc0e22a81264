//! The callables of an agent as methods for any kind of caller.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Path, Type};

use super::{Scope, Side, local};
use crate::model::agent_impl::AgentImpl;
use crate::model::callable::{Callable, Output, Streamed};
use crate::model::parameter::{Argument, Parameter};
use crate::model::types;
use crate::names;

/// Renders the `Interface` of an agent, and the struct that it needs.
///
/// The code contains types of the user, so its generic parameters have names that no such type has.
pub(crate) fn interface(block: &AgentImpl, agent: &Path, side: Side) -> TokenStream {
    let rt = &block.runtime;
    let methods = block
        .callables
        .iter()
        .map(|callable| method(&Scope::new(rt, agent, &callable.ident, side), callable));
    let bound = super::bound(rt, agent, side);
    quote! {
        pub struct __Methods<__C>(__C);
        #[automatically_derived]
        impl<__C: ::core::clone::Clone> ::core::clone::Clone for __Methods<__C> {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }
        #[automatically_derived]
        impl<__C> ::core::fmt::Debug for __Methods<__C> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str("Methods")
            }
        }
        impl<__C: #rt::Caller> __Methods<__C> {
            #(#methods)*
        }
        #[automatically_derived]
        impl #rt::Interface for #agent #bound {
            type Methods<__C: #rt::Caller> = __Methods<__C>;

            fn methods<__C: #rt::Caller>(caller: __C) -> Self::Methods<__C> {
                __Methods(caller)
            }
        }
    }
}

/// Renders one method: it encodes the arguments, then calls.
fn method(scope: &Scope<'_>, callable: &Callable) -> TokenStream {
    let Scope { rt, site, .. } = scope;
    let site = *site;
    let Callable { ident, name, docs, cfgs, parameters, .. } = callable;
    let mut takes = Vec::new();
    let mut writes = Vec::new();
    for parameter in parameters {
        let Parameter::Argument(Argument { ident, ty, default }) = parameter else { continue };
        let ty = scope.outside(ty);
        // If the caller gives no value, the agent uses the default.
        let ty = if default.is_some() { quote_spanned!(site=> #rt::Option<#ty>) } else { ty };
        takes.push(quote_spanned!(site=> #ident: #ty));
        writes.push(quote_spanned!(site=> .with(&#ident, <#ty as #rt::Wire>::to_json)));
    }
    let (answer, call, values) = answer(scope, callable);
    let deprecated = callable.deprecated.as_ref().map(|note| {
        if note.is_empty() { quote!(#[deprecated]) } else { quote!(#[deprecated(note = #note)]) }
    });
    let receiver = quote_spanned!(site=> &self);
    let caller = quote_spanned!(site=> self.0);
    let method = names::plain(ident);
    let must_use = format!("`{method}` does nothing until it is awaited");
    quote_spanned! {site=>
        #(#cfgs)*
        #[doc = #docs]
        #deprecated
        #[must_use = #must_use]
        pub fn #ident(
            #receiver #(, #takes)*
        ) -> impl ::core::future::Future<
            Output = #rt::Result<#answer, <__C as #rt::Caller>::Error>
        > + ::core::marker::Send + use<__C> {
            <__C as #rt::Caller>::#call::<#values>(
                ::core::clone::Clone::clone(&#caller),
                #name,
                #rt::CallArguments::new()#(#writes)*,
            )
        }
    }
}

/// Renders the type that the caller receives, the method of the caller, and the types for it.
fn answer(scope: &Scope<'_>, callable: &Callable) -> (TokenStream, Ident, TokenStream) {
    let Scope { rt, site, .. } = scope;
    let site = *site;
    let value = |ty: &Type| {
        let ty = scope.outside(ty);
        quote_spanned!(site=> <#ty as #rt::Reply>::Value)
    };
    let nothing = || quote_spanned!(site=> ());
    let (items, result) = match (&callable.output, callable.stream()) {
        (Output::Stream(Streamed { item, .. }), _) => (value(item), nothing()),
        (Output::Reply(result), Some(stream)) => {
            // The type as it is written, since a client does not have `StreamingResponse`.
            let items = types::first_argument(&stream.ty).map_or_else(nothing, |ty| scope.outside(ty));
            // A stream may end with any value if its method returns nothing.
            let result = match result {
                Some(ty) if !returns_nothing(ty) => value(ty),
                _ => quote_spanned!(site=> #rt::Value),
            };
            (items, result)
        }
        (Output::Reply(result), None) => {
            let result = result.as_deref().map_or_else(nothing, value);
            return (result.clone(), local("call", site), result);
        }
    };
    let values = quote_spanned!(site=> #items, #result);
    let stream = quote_spanned!(site=> <__C as #rt::Caller>::Stream<#values>);
    (stream, local("stream", site), values)
}

fn returns_nothing(ty: &Type) -> bool {
    types::is_unit(ty)
        || (types::is_named(ty, "Result") && types::first_argument(ty).is_some_and(types::is_unit))
}
