//! The TypeScript of a wire type.
//!
//! The code that the derive of ts-rs writes uses `String`, `Option` and `std` as names of the prelude. A
//! program may have types and modules with these names. Therefore the derive gets a copy of the type in a
//! scope of its own, where these names have the expected meaning. The types of the fields keep the meaning
//! that they have outside, because they are aliases in that scope.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Field, Fields, GenericParam, Generics, Item, Type, Visibility, parse_quote};

use super::{here, home, wire};
use crate::attr::{self, condition};
use crate::model::types as written;
use crate::model::wire::WireType;

/// Returns whether ts-rs gets a copy of the type. A type whose generics have more bounds than an alias can
/// express is derived directly.
pub(super) fn stands_apart(ty: &WireType) -> bool {
    ty.generics.params.is_empty() || has_plain_generics(ty)
}

/// Returns whether the aliases of the fields can be generic as the type is: nothing of a type parameter is
/// named (`T::Item`), and ts-rs does not see them.
fn has_plain_generics(ty: &WireType) -> bool {
    let keys = condition::keys(wire::attrs(&ty.item), "ts");
    let mut fields = fields(&ty.item);
    let names_part =
        |field: &Field| ty.generics.type_params().any(|of| written::names_part(&field.ty, &of.ident));
    condition::when(&keys, &["concrete", "bound"]).is_never() && !fields.any(names_part)
}

fn fields(item: &Item) -> Box<dyn Iterator<Item = &Field> + '_> {
    match item {
        Item::Struct(item) => Box::new(item.fields.iter()),
        Item::Enum(item) => Box::new(item.variants.iter().flat_map(|variant| &variant.fields)),
        _ => Box::new(std::iter::empty()),
    }
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
    let mut aliases = Aliases { generics: &ty.generics, written: Vec::new() };
    match &mut copy {
        Item::Struct(copy) => {
            copy.ident = Ident::new("__Copy", here(ident.span()));
            copy.vis = Visibility::Inherited;
            aliases.defaults(&mut copy.generics);
            aliases.fields(&mut copy.fields, &[]);
        }
        Item::Enum(copy) => {
            copy.ident = Ident::new("__Copy", here(ident.span()));
            copy.vis = Visibility::Inherited;
            aliases.defaults(&mut copy.generics);
            let has_fields = copy.variants.iter().any(|variant| !variant.fields.is_empty());
            for variant in &mut copy.variants {
                let cfgs = attr::cfgs(&variant.attrs);
                // Discriminants of variants with fields need a `repr`, and have no meaning in TypeScript.
                variant.discriminant.take_if(|_| has_fields);
                aliases.fields(&mut variant.fields, &cfgs);
            }
        }
        _ => {}
    }
    let aliases = aliases.written;
    let generics = bounded(ty);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let parameters = names(&ty.generics);
    let without_generics = match ty.generics.params.is_empty() {
        true => quote!(Self),
        false => {
            let dummies = ty.generics.params.iter().map(|parameter| match parameter {
                GenericParam::Const(parameter) => parameter.ident.to_token_stream(),
                _ => quote!(#rt::ts_rs::Dummy),
            });
            quote!(__Type<#(#dummies),*>)
        }
    };
    let copied = quote!(<__Copy #ty_generics as #rt::ts_rs::TS>);
    home(
        &attr::cfgs(wire::attrs(&ty.item)),
        quote! {
            type __Type #parameters = #ident #ty_generics;
            #(#aliases)*
            const _: () = {
                use #rt::standard::{None, Option, Some, String, std};

                #[derive(#rt::ts_rs::TS, #rt::WireAttributes)]
                #(#styles)*
                #[ts(crate = #ts)]
                #rename
                #copy

                #[automatically_derived]
                impl #impl_generics #rt::ts_rs::TS for __Type #ty_generics #where_clause {
                    type WithoutGenerics = #without_generics;
                    type OptionInnerType = Self;

                    const IS_ENUM: bool = #copied::IS_ENUM;

                    fn docs() -> Option<String> {
                        #copied::docs()
                    }
                    fn ident(cfg: &#rt::ts_rs::Config) -> String {
                        #copied::ident(cfg)
                    }
                    fn decl(cfg: &#rt::ts_rs::Config) -> String {
                        #copied::decl(cfg)
                    }
                    fn decl_concrete(cfg: &#rt::ts_rs::Config) -> String {
                        #copied::decl_concrete(cfg)
                    }
                    fn name(cfg: &#rt::ts_rs::Config) -> String {
                        #copied::name(cfg)
                    }
                    fn inline(cfg: &#rt::ts_rs::Config) -> String {
                        #copied::inline(cfg)
                    }
                    fn inline_flattened(cfg: &#rt::ts_rs::Config) -> String {
                        #copied::inline_flattened(cfg)
                    }
                    fn visit_dependencies(visitor: &mut impl #rt::ts_rs::TypeVisitor)
                    where
                        Self: 'static,
                    {
                        #copied::visit_dependencies(visitor);
                    }
                    fn visit_generics(visitor: &mut impl #rt::ts_rs::TypeVisitor)
                    where
                        Self: 'static,
                    {
                        #copied::visit_generics(visitor);
                    }
                    fn output_path() -> Option<std::path::PathBuf> {
                        #copied::output_path()
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

/// Returns the generics of the type with the bound that the copy needs: each has a form in TypeScript.
fn bounded(ty: &WireType) -> Generics {
    let mut generics = ty.generics.clone();
    let rt = &ty.runtime;
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#rt::ts_rs::TS));
    }
    generics
}

/// Returns the generics in the form of an alias: without bounds and defaults.
fn names(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.clear();
        parameter.colon_token = None;
        parameter.default = None;
    }
    for parameter in generics.const_params_mut() {
        parameter.default = None;
    }
    generics.where_clause = None;
    generics
}

/// Aliases for the types that the user wrote, outside of the scope of the copy.
struct Aliases<'t> {
    generics: &'t Generics,
    written: Vec<TokenStream>,
}

impl Aliases<'_> {
    /// Gives each field an alias as its type.
    fn fields(&mut self, fields: &mut Fields, cfgs: &[Attribute]) {
        for field in fields {
            let mut cfgs = cfgs.to_vec();
            cfgs.extend(attr::cfgs(&field.attrs));
            field.ty = self.add(&field.ty, &cfgs);
            field.vis = Visibility::Inherited;
        }
    }

    fn defaults(&mut self, generics: &mut Generics) {
        for (_, default) in generics.type_params_mut().filter_map(|parameter| parameter.default.as_mut()) {
            *default = self.add(default, &[]);
        }
    }

    fn add(&mut self, ty: &Type, cfgs: &[Attribute]) -> Type {
        let span = here(ty.span());
        let name = format_ident!("__Field{}", self.written.len(), span = span);
        // An alias may only have parameters that it uses.
        let mut generics = names(self.generics);
        let params = std::mem::take(&mut generics.params);
        generics.params =
            params.into_iter().filter(|parameter| written::names_parameter(ty, parameter)).collect();
        let (_, arguments, _) = generics.split_for_impl();
        let alias = parse_quote!(#name #arguments);
        self.written.push(quote_spanned!(span=> #(#cfgs)* type #name #generics = #ty;));
        alias
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
