//! The TypeScript of a wire type.
//!
//! The code that the derive of ts-rs writes uses `String`, `Option` and `std` as names of the prelude. A
//! program may have types and modules with these names. Therefore the derive gets a copy of the type in a
//! scope of its own, where these names have the expected meaning. The types of the fields keep the meaning
//! that they have outside, because they are aliases in that scope.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Field, Fields, Item, Visibility};

use super::{Side, here, home, wire};
use crate::attr::{self, condition};
use crate::model::wire::WireType;

/// Returns whether ts-rs gets a copy of the type. A generic type is derived directly.
pub(super) fn stands_apart(ty: &WireType, side: Side) -> bool {
    side == Side::Server && ty.generics.params.is_empty()
}

/// Returns the type without the attributes that only ts-rs reads.
pub(super) fn without(item: &Item) -> TokenStream {
    let mut item = item.clone();
    each_attrs(&mut item, |attrs| condition::retain(attrs, &mut |meta| !meta.path().is_ident("ts")));
    item.to_token_stream()
}

/// Renders the copy, and the type's `TS` that uses it.
pub(super) fn apart(ty: &WireType) -> TokenStream {
    let WireType { ident, runtime: rt, styles, .. } = ty;
    let mut copy = ty.item.clone();
    each_attrs(&mut copy, |attrs| condition::retain(attrs, &mut |meta| is_read(meta.path())));
    let name = crate::names::plain(ident);
    let rename = ty.renamed.unless(&quote!(ts(rename = #name)));
    let ts = rt.text("ts_rs");
    let mut aliases = Vec::new();
    match &mut copy {
        Item::Struct(copy) => {
            copy.ident = Ident::new("__Copy", here(ident.span()));
            copy.vis = Visibility::Inherited;
            alias(&mut copy.fields, &[], &mut aliases);
        }
        Item::Enum(copy) => {
            copy.ident = Ident::new("__Copy", here(ident.span()));
            copy.vis = Visibility::Inherited;
            let has_fields = copy.variants.iter().any(|variant| !variant.fields.is_empty());
            for variant in &mut copy.variants {
                let cfgs = attr::cfgs(&variant.attrs);
                // Discriminants of variants with fields need a `repr`, and have no meaning in TypeScript.
                variant.discriminant.take_if(|_| has_fields);
                alias(&mut variant.fields, &cfgs, &mut aliases);
            }
        }
        _ => {}
    }
    home(
        &attr::cfgs(wire::attrs(&ty.item)),
        quote! {
            type __Type = #ident;
            #(#aliases)*
            const _: () = {
                use #rt::standard::{None, Option, Some, String, std};

                #[derive(#rt::ts_rs::TS, #rt::WireAttributes)]
                #(#styles)*
                #[ts(crate = #ts)]
                #rename
                #copy

                #[automatically_derived]
                impl #rt::ts_rs::TS for __Type {
                    type WithoutGenerics = Self;
                    type OptionInnerType = Self;

                    const IS_ENUM: bool = <__Copy as #rt::ts_rs::TS>::IS_ENUM;

                    fn docs() -> Option<String> {
                        <__Copy as #rt::ts_rs::TS>::docs()
                    }
                    fn ident(cfg: &#rt::ts_rs::Config) -> String {
                        <__Copy as #rt::ts_rs::TS>::ident(cfg)
                    }
                    fn decl(cfg: &#rt::ts_rs::Config) -> String {
                        <__Copy as #rt::ts_rs::TS>::decl(cfg)
                    }
                    fn decl_concrete(cfg: &#rt::ts_rs::Config) -> String {
                        <__Copy as #rt::ts_rs::TS>::decl_concrete(cfg)
                    }
                    fn name(cfg: &#rt::ts_rs::Config) -> String {
                        <__Copy as #rt::ts_rs::TS>::name(cfg)
                    }
                    fn inline(cfg: &#rt::ts_rs::Config) -> String {
                        <__Copy as #rt::ts_rs::TS>::inline(cfg)
                    }
                    fn inline_flattened(cfg: &#rt::ts_rs::Config) -> String {
                        <__Copy as #rt::ts_rs::TS>::inline_flattened(cfg)
                    }
                    fn visit_dependencies(visitor: &mut impl #rt::ts_rs::TypeVisitor) {
                        <__Copy as #rt::ts_rs::TS>::visit_dependencies(visitor);
                    }
                    fn output_path() -> Option<std::path::PathBuf> {
                        <__Copy as #rt::ts_rs::TS>::output_path()
                    }
                }
            };
        },
    )
    .to_token_stream()
}

/// Returns whether the derive of ts-rs reads an attribute, or the attribute decides whether an item exists.
fn is_read(path: &syn::Path) -> bool {
    ["serde", "ts", "doc", "cfg"].iter().any(|name| path.is_ident(name))
}

/// Gives each field an alias as its type.
fn alias(fields: &mut Fields, cfgs: &[Attribute], aliases: &mut Vec<TokenStream>) {
    for field in fields {
        let Field { attrs, ty, vis, .. } = field;
        let place = here(ty.span());
        let own = attr::cfgs(attrs);
        let name = format_ident!("__Field{}", aliases.len(), span = place);
        aliases.push(quote_spanned!(place=> #(#cfgs)* #(#own)* type #name = #ty;));
        *ty = syn::parse_quote!(#name);
        *vis = Visibility::Inherited;
    }
}

/// Visits the attributes of a type, its variants and its fields.
pub(crate) fn each_attrs(item: &mut Item, mut visit: impl FnMut(&mut Vec<Attribute>)) {
    match item {
        Item::Struct(item) => {
            visit(&mut item.attrs);
            item.fields.iter_mut().for_each(|field| visit(&mut field.attrs));
        }
        Item::Enum(item) => {
            visit(&mut item.attrs);
            for variant in &mut item.variants {
                visit(&mut variant.attrs);
                variant.fields.iter_mut().for_each(|field| visit(&mut field.attrs));
            }
        }
        _ => {}
    }
}
