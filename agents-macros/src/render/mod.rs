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

/// The kind of program that an expansion is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// A program that serves agents: everything is rendered.
    Server,
    /// A program that only calls agents: their types and the calls are rendered.
    Client,
}

/// The surroundings of the code that is generated for one method.
///
/// The tokens have the place of the method's name, so that compiler errors about them (for example a future
/// that is not `Send`) are reported there.
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

    /// Returns a type of the `impl`, as it is written outside of the `impl`.
    fn outside(&self, ty: &Type) -> TokenStream {
        written::without_self(ty, self.path)
    }

    /// Renders the value of a referenced parameter. Diagnostics point at the type, which keeps its place.
    fn injected(&self, injected: &Injected, parts: &TokenStream) -> TokenStream {
        let Self { rt, agent, site, .. } = self;
        let ty = self.outside(&injected.ty);
        let ty = if injected.optional { quote!(#rt::Option<#ty>) } else { ty };
        quote_spanned!(*site=> <#ty as #rt::FromCall<#agent>>::from_call(#parts))
    }

    /// Renders the call of the user's method on `agent`.
    fn call(&self, method: &Ident, is_async: bool, arguments: &[TokenStream]) -> TokenStream {
        let agent = &self.agent;
        let receiver = local("agent", self.site);
        let wait = is_async.then(|| quote_spanned!(self.site=> .await));
        quote_spanned!(self.site=> #agent::#method(#receiver, #(#arguments),*) #wait)
    }

    /// Renders the conversion of the returned value: `<Returned as Trait>::method(value)`.
    ///
    /// A type that has no name outside of its function, `impl Trait`, is inferred.
    fn convert(&self, returned: Option<&Type>, conversion: &str, method: &str, value: &Ident) -> TokenStream {
        let Self { rt, site, .. } = self;
        let name = local(conversion, *site);
        let method = local(method, *site);
        // The state is a parameter of its conversion.
        let agent = &self.agent;
        let kind = (conversion == "IntoState").then(|| quote!(<<#agent as #rt::AgentClass>::State>));
        match returned {
            None => quote_spanned!(*site=> <() as #rt::#name #kind>::#method(#value)),
            Some(ty) if written::opaque(ty).is_some() => quote_spanned!(*site=> #rt::#name::#method(#value)),
            Some(ty) => {
                let ty = self.outside(ty);
                quote_spanned!(*site=> <#ty as #rt::#name #kind>::#method(#value))
            }
        }
    }

    /// Renders the conversion of a response, or of a `Result` of one. A `Result` of our error is both, so the
    /// kind is looked up as a method: the `Result` comes first.
    fn convert_http(&self, returned: Option<&Type>, value: &Ident) -> TokenStream {
        let Self { rt, site, .. } = self;
        let ty = match returned {
            Some(ty) if written::opaque(ty).is_none() => self.outside(ty),
            _ => quote!(_),
        };
        quote_spanned!(*site=> {
            use #rt::{FallibleHttp as _, PlainHttp as _};
            let kind = (&#value).http_kind();
            #rt::into_http::<_, #ty>(kind, #value)
        })
    }
}

/// Renders `where Room: AgentDefinition`, which is added to all code that is generated for an `impl`.
///
/// The clause always holds if the struct has its `#[agent]`. If it has not, the compiler reports the clause,
/// which is in one place, instead of each use of the type below it.
fn bound(runtime: &Runtime, path: &Path, side: Side) -> TokenStream {
    let span = path.span();
    let rt = located(runtime, span);
    let name = match side {
        Side::Server => local("AgentDefinition", span),
        Side::Client => local("AgentClass", span),
    };
    quote_spanned!(here(span)=> where #path: #rt::#name)
}

/// Returns the same tokens at another place; their names keep their meaning.
fn located(tokens: impl ToTokens, span: Span) -> TokenStream {
    tokens
        .into_token_stream()
        .into_iter()
        .map(|token| {
            let span = token.span().located_at(span);
            let mut token = match token {
                TokenTree::Group(group) => {
                    TokenTree::Group(Group::new(group.delimiter(), located(group.stream(), span)))
                }
                other => other,
            };
            token.set_span(span);
            token
        })
        .collect()
}

/// Returns a place in the user's code, with names that belong to the expansion.
fn here(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// Returns a local name of the expansion, which no expression of the user can see.
fn local(name: &str, span: Span) -> Ident {
    Ident::new(name, here(span))
}

/// Renders one parameter as it is passed to the method.
fn pass(value: &Ident, injected: &Injected) -> TokenStream {
    if injected.optional { quote!(#value.as_ref()) } else { quote!(&#value) }
}

/// Wraps all generated code in an anonymous `const`, so that its names are private and the user's lints do
/// not apply.
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
