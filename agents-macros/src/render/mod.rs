//! The expansions.

pub(crate) mod dispatch;
mod hooks;
mod interface;
pub(crate) mod types;
mod typescript;
pub(crate) mod wire;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Path, Type};

use crate::attr::Runtime;
use crate::model::parameter::Injected;
use crate::model::types as written;

/// What an expansion is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// A program that serves agents: everything.
    Server,
    /// A program that only calls them: their types and the calls.
    Client,
}

/// What the code generated for one method needs of its surroundings.
///
/// Its tokens stand where the method's name stands, so that whatever the compiler has to say about
/// them (a future that is not `Send`, say) is told there.
struct Scope<'m> {
    /// The agent's type, as the header of the `impl` names it.
    path: &'m Path,
    agent: TokenStream,
    rt: TokenStream,
    site: Span,
    /// `where Room: AgentDefinition`.
    bound: TokenStream,
}

impl<'m> Scope<'m> {
    fn new(runtime: &Runtime, path: &'m Path, method: &Ident, side: Side) -> Self {
        let span = method.span();
        let bound = bound(runtime, path, side);
        Self { path, agent: located(path, span), rt: located(runtime, span), site: here(span), bound }
    }

    /// A type of the `impl`, as it is written outside of it.
    fn outside(&self, ty: &Type) -> TokenStream {
        written::without_self(ty, self.path)
    }

    /// The value of a referenced parameter. Diagnostics point at the type, which keeps its place.
    fn injected(&self, injected: &Injected, parts: &TokenStream) -> TokenStream {
        let Self { rt, agent, site, .. } = self;
        let ty = self.outside(&injected.ty);
        let ty = if injected.optional { quote!(#rt::Option<#ty>) } else { ty };
        quote_spanned!(*site=> <#ty as #rt::FromCall<#agent>>::from_call(#parts))
    }

    /// The user's method, called on `agent`.
    fn call(&self, method: &Ident, is_async: bool, arguments: &[TokenStream]) -> TokenStream {
        let agent = &self.agent;
        let receiver = local("agent", self.site);
        let wait = is_async.then(|| quote_spanned!(self.site=> .await));
        quote_spanned!(self.site=> #agent::#method(#receiver, #(#arguments),*) #wait)
    }

    /// What is done with the returned value: `<Returned as Trait>::method(value)`.
    ///
    /// A type that has no name outside of its function, `impl Trait`, is left to inference.
    fn convert(&self, returned: Option<&Type>, conversion: &str, method: &str, value: &Ident) -> TokenStream {
        let Self { rt, site, .. } = self;
        let name = local(conversion, *site);
        let method = local(method, *site);
        // The runtime tells plain responses and results apart by a parameter.
        let kind = (conversion == "IntoHttp").then(|| quote!(<_>));
        match returned {
            None => quote_spanned!(*site=> <() as #rt::#name #kind>::#method(#value)),
            Some(ty) if written::opaque(ty).is_some() => quote_spanned!(*site=> #rt::#name::#method(#value)),
            Some(ty) => {
                let ty = self.outside(ty);
                quote_spanned!(*site=> <#ty as #rt::#name #kind>::#method(#value))
            }
        }
    }
}

/// `where Room: AgentDefinition`, on everything that is generated for an `impl`.
///
/// It always holds where the struct has its `#[agent]`. Where that is forgotten the compiler says so
/// for the clause, which stands at one place, instead of for each use of the type below it.
fn bound(runtime: &Runtime, path: &Path, side: Side) -> TokenStream {
    let span = path.span();
    let rt = located(runtime, span);
    let name = match side {
        Side::Server => local("AgentDefinition", span),
        Side::Client => local("AgentClass", span),
    };
    quote_spanned!(here(span)=> where #path: #rt::#name)
}

/// The same tokens at another place; what their names mean stays.
fn located(tokens: impl ToTokens, span: Span) -> TokenStream {
    tokens
        .into_token_stream()
        .into_iter()
        .map(|token| {
            let place = token.span().located_at(span);
            let mut token = match token {
                TokenTree::Group(group) => {
                    TokenTree::Group(Group::new(group.delimiter(), located(group.stream(), span)))
                }
                other => other,
            };
            token.set_span(place);
            token
        })
        .collect()
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
        #[allow(
            dead_code,
            deprecated,
            missing_docs,
            non_local_definitions,
            private_interfaces,
            trivial_bounds,
            unreachable_pub,
            unused_imports,
            unused_mut,
            unused_qualifications,
            unused_variables,
            clippy::all,
            clippy::pedantic
        )]
        const _: () = {
            #contents
        };
    }
}
