//! The expansions.

pub(crate) mod dispatch;
mod hooks;
pub(crate) mod types;
pub(crate) mod wire;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Path, Type};

use crate::attr::Runtime;
use crate::model::parameter::Injected;
use crate::model::types as written;

/// What the generated code needs of its surroundings: the runtime's path and the agent's type.
#[derive(Clone, Copy)]
struct Scope<'m> {
    rt: &'m Runtime,
    agent: &'m Path,
}

impl Scope<'_> {
    /// A type of the `impl`, as it is written outside of it.
    fn outside(&self, ty: &Type) -> TokenStream {
        written::without_self(ty, self.agent)
    }

    /// The value of a referenced parameter. Diagnostics point at the type, which keeps its place.
    fn injected(&self, injected: &Injected, parts: &TokenStream) -> TokenStream {
        let Self { rt, agent } = self;
        let ty = self.outside(&injected.ty);
        let ty = if injected.optional { quote!(#rt::Option<#ty>) } else { ty };
        quote!(<#ty as #rt::FromCall<#agent>>::from_call(#parts))
    }

    /// The user's method, called on `agent`.
    fn call(&self, method: &Ident, is_async: bool, arguments: &[TokenStream]) -> TokenStream {
        let agent = self.agent;
        let receiver = local("agent", method.span());
        let wait = is_async.then(|| quote_spanned!(here(method.span())=> .await));
        quote!(#agent::#method(#receiver, #(#arguments),*) #wait)
    }

    /// What is done with the returned value: `<Returned as Trait>::method(value)`.
    ///
    /// A type that has no name outside of its function, `impl Trait`, is left to inference.
    fn convert(&self, returned: Option<&Type>, conversion: &str, method: &str, value: &Ident) -> TokenStream {
        let rt = self.rt;
        let http = conversion == "IntoHttp";
        let name = Ident::new(conversion, Span::mixed_site());
        // The runtime tells plain responses and results apart by a parameter.
        let conversion = if http { quote!(#name<_>) } else { quote!(#name) };
        let method = Ident::new(method, Span::mixed_site());
        match returned {
            None => quote!(<() as #rt::#conversion>::#method(#value)),
            Some(ty) if written::opaque(ty).is_some() => quote!(#rt::#name::#method(#value)),
            Some(ty) => {
                let ty = self.outside(ty);
                quote!(<#ty as #rt::#conversion>::#method(#value))
            }
        }
    }
}

/// A place in the user's code, with names that are our own.
fn here(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// A local name of the expansion, which no expression of the user can see.
fn local(name: &str, span: Span) -> Ident {
    Ident::new(name, here(span))
}

/// How one parameter is passed on.
fn pass(value: &Ident, injected: &Injected) -> TokenStream {
    if injected.optional { quote!(#value.as_ref()) } else { quote!(&#value) }
}

/// The anonymous home of everything generated: no name leaks out, no lint of the user reaches in.
fn home(cfgs: &[syn::Attribute], contents: impl ToTokens) -> TokenStream {
    quote! {
        #(#cfgs)*
        #[allow(deprecated, unused_qualifications, unused_variables, unused_mut, clippy::all, clippy::pedantic)]
        const _: () = {
            #contents
        };
    }
}
