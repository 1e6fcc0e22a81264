//! Queries about types as they are written.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    Expr, ExprLit, GenericArgument, GenericParam, Lifetime, Lit, Path, PathArguments, PathSegment, Type,
    TypeArray, TypeImplTrait, TypeParamBound, TypeReference,
};

/// Returns the type without the invisible groups of `macro_rules` and without parentheses.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        _ => ty,
    }
}

/// Returns `Context<Self>` of `agents::Context<Self>`.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match bare(ty) {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

/// Returns whether the path ends in this name.
pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|last| last.ident == name)
}

/// Returns the first type between the angle brackets of the last segment.
pub(crate) fn first_argument(ty: &Type) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &last_segment(ty)?.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Returns the `&T` of `Option<&T>`.
pub(crate) fn optional_reference(ty: &Type) -> Option<&TypeReference> {
    if !is_named(ty, "Option") {
        return None;
    }
    match bare(first_argument(ty)?) {
        Type::Reference(reference) => Some(reference),
        _ => None,
    }
}

/// Returns whether this is `()`.
pub(crate) fn is_unit(ty: &Type) -> bool {
    matches!(bare(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// Returns whether this is `impl Stream<..>`, with any path.
pub(crate) fn is_stream(ty: &Type) -> bool {
    let Type::ImplTrait(opaque) = bare(ty) else { return false };
    opaque.bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|last| last.ident == "Stream"),
        _ => false,
    })
}

/// Returns the `T` of `impl Stream<Item = T>`.
pub(crate) fn stream_item(ty: &Type) -> Option<&Type> {
    let Type::ImplTrait(opaque) = bare(ty) else { return None };
    opaque.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let PathArguments::AngleBracketed(arguments) = &bound.path.segments.last()?.arguments else {
            return None;
        };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(item) if item.ident == "Item" => Some(&item.ty),
            _ => None,
        })
    })
}

/// Returns the first `impl Trait` anywhere in the type.
pub(crate) fn opaque(ty: &Type) -> Option<&TypeImplTrait> {
    #[derive(Default)]
    struct Search<'t>(Option<&'t TypeImplTrait>);
    impl<'t> Visit<'t> for Search<'t> {
        fn visit_type_impl_trait(&mut self, opaque: &'t TypeImplTrait) {
            self.0.get_or_insert(opaque);
        }
    }
    let mut search = Search::default();
    search.visit_type(ty);
    search.0
}

/// Returns the first borrow anywhere in the type: a reference, or a lifetime that is not `'static`.
pub(crate) fn borrow(ty: &Type) -> Option<TokenStream> {
    find_borrow(ty, false)
}

/// Returns the first borrow in a type that is only written and not read; a `&'static T` does not count.
pub(crate) fn short_borrow(ty: &Type) -> Option<TokenStream> {
    find_borrow(ty, true)
}

fn find_borrow(ty: &Type, allow_static: bool) -> Option<TokenStream> {
    struct Search {
        allow_static: bool,
        found: Option<TokenStream>,
    }
    impl<'t> Visit<'t> for Search {
        fn visit_type_reference(&mut self, reference: &'t TypeReference) {
            let is_static = reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
            if !(self.allow_static && is_static) {
                self.found.get_or_insert_with(|| reference.to_token_stream());
            }
            visit::visit_type_reference(self, reference);
        }
        fn visit_lifetime(&mut self, lifetime: &'t Lifetime) {
            if lifetime.ident != "static" {
                self.found.get_or_insert_with(|| lifetime.to_token_stream());
            }
        }
    }
    let mut search = Search { allow_static, found: None };
    search.visit_type(ty);
    search.found
}

/// The longest array that serde supports.
const LONGEST_OF_SERDE: usize = 32;

/// Returns whether the type contains an array that serde may not support: a long one, or one whose length is
/// a named constant.
pub(crate) fn has_long_array(ty: &Type) -> bool {
    #[derive(Default)]
    struct Search(bool);
    impl<'t> Visit<'t> for Search {
        fn visit_type_array(&mut self, array: &'t TypeArray) {
            let length = match &array.len {
                Expr::Lit(ExprLit { lit: Lit::Int(length), .. }) => length.base10_parse::<usize>().ok(),
                _ => None,
            };
            self.0 |= length.is_none_or(|length| length > LONGEST_OF_SERDE);
            visit::visit_type_array(self, array);
        }
    }
    let mut search = Search::default();
    search.visit_type(ty);
    search.0
}

/// Returns whether a name occurs anywhere in the type.
pub(crate) fn names(ty: &Type, name: &Ident) -> bool {
    fn is_in(tokens: TokenStream, name: &Ident) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == *name,
            TokenTree::Group(group) => is_in(group.stream(), name),
            _ => false,
        })
    }
    is_in(ty.to_token_stream(), name)
}

/// Returns whether the type names this generic parameter, a type or a number.
pub(crate) fn names_parameter(ty: &Type, parameter: &GenericParam) -> bool {
    match parameter {
        GenericParam::Type(parameter) => names(ty, &parameter.ident),
        GenericParam::Const(parameter) => names(ty, &parameter.ident),
        GenericParam::Lifetime(_) => false,
    }
}

/// Returns whether the type names a part of this type parameter: `T::Item` has a meaning only where the
/// bounds of `T` are known.
pub(crate) fn names_part(ty: &Type, parameter: &Ident) -> bool {
    struct Search<'n>(&'n Ident, bool);
    impl<'t> Visit<'t> for Search<'_> {
        fn visit_path(&mut self, path: &'t Path) {
            self.1 |= path.segments.len() > 1 && path.segments[0].ident == *self.0;
            visit::visit_path(self, path);
        }
    }
    let mut search = Search(parameter, false);
    search.visit_type(ty);
    search.1
}

/// Returns the same tokens with `Self` replaced by the type, for use outside of the `impl`.
///
/// The new tokens keep the place of `Self`, so that messages point there.
pub(crate) fn without_self(tokens: impl ToTokens, agent: &Path) -> TokenStream {
    replace(tokens.into_token_stream(), agent)
}

fn replace(tokens: TokenStream, agent: &Path) -> TokenStream {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(ident) if ident == "Self" => spelt_out(&ident, agent),
            TokenTree::Group(group) => {
                let mut replaced = Group::new(group.delimiter(), replace(group.stream(), agent));
                replaced.set_span(group.span());
                TokenStream::from(TokenTree::Group(replaced))
            }
            other => TokenStream::from(other),
        })
        .collect()
}

fn spelt_out(here: &Ident, agent: &Path) -> TokenStream {
    agent
        .to_token_stream()
        .into_iter()
        .map(|mut token| {
            // The location of `Self`, with names resolved as in the header of the `impl`.
            let span = token.span();
            token.set_span(span.located_at(here.span()));
            token
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse_quote;

    use super::*;

    #[test]
    fn shapes() {
        assert!(is_stream(&parse_quote!(impl futures::Stream<Item = u8> + Send)));
        assert!(!is_stream(&parse_quote!(impl Iterator<Item = u8>)));
        let stream = parse_quote!(impl futures::Stream<Item = Result<u8>> + Send);
        assert!(stream_item(&stream).is_some_and(|item| is_named(item, "Result")));
        assert!(stream_item(&parse_quote!(impl Stream + Send)).is_none());
        assert!(is_unit(&parse_quote!(())) && !is_unit(&parse_quote!((u8,))));
        assert!(optional_reference(&parse_quote!(core::option::Option<&Connection<Self>>)).is_some());
        assert!(optional_reference(&parse_quote!(Option<String>)).is_none());
        assert!(opaque(&parse_quote!(Vec<impl Clone>)).is_some());
    }

    #[test]
    fn borrows_are_found_inside() {
        assert_eq!(borrow(&parse_quote!(Vec<&str>)).map(|found| found.to_string()), Some("& str".to_owned()));
        assert_eq!(borrow(&parse_quote!(Cow<'_, str>)).map(|found| found.to_string()), Some("'_".to_owned()));
        assert!(borrow(&parse_quote!(Cow<'static, str>)).is_none());
        assert!(borrow(&parse_quote!(&'static str)).is_some());
        assert!(short_borrow(&parse_quote!(Vec<&'static str>)).is_none());
        assert!(short_borrow(&parse_quote!(&'static [&str])).is_some());
    }

    #[test]
    fn arrays_that_serde_may_not_know() {
        for (ty, expected) in [
            (parse_quote!([u8; 32]), false),
            (parse_quote!(Vec<[u8; 33]>), true),
            (parse_quote!(Option<[[u8; 64]; 2]>), true),
            (parse_quote!([u8; LENGTH]), true),
            (parse_quote!(Vec<u8>), false),
        ] {
            assert_eq!(has_long_array(&ty), expected);
        }
    }

    #[test]
    fn names_are_found_inside_too() {
        let of: Ident = parse_quote!(T);
        assert!(names(&parse_quote!(Vec<Option<[T; 3]>>), &of));
        assert!(!names(&parse_quote!(Vec<Option<[U; 3]>>), &of));
        assert!(names_part(&parse_quote!(Option<T::Item>), &of));
        assert!(!names_part(&parse_quote!(Option<<T as Iterator>::Item>), &of));
        assert!(!names_part(&parse_quote!(Option<T>), &of));
    }

    #[test]
    fn self_is_spelt_out_inside_groups_too() {
        let agent: Path = parse_quote!(rooms::Chat);
        assert_eq!(
            without_self(quote!((Context<Self>, [u8; Self::LIMIT])), &agent).to_string(),
            quote!((Context<rooms::Chat>, [u8; rooms::Chat::LIMIT])).to_string()
        );
    }
}
