//! Types that travel.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, ExprLit, Field, Fields, GenericParam, Generics, Item, ItemEnum, ItemStruct, Lit, LitStr,
    Meta, Path, Token, Type, parse_quote,
};

use crate::attr::wire::WireOptions;
use crate::attr::{self, Runtime, skip_value};
use crate::errors::Errors;
use crate::model::types;
use crate::names;

const DERIVED: [&str; 3] = ["Serialize", "Deserialize", "TS"];

/// A struct or enum with `#[wire]`.
pub(crate) struct WireType {
    /// As the user wrote it, without our attributes, and with the `default`s that were missing.
    pub(crate) item: Item,
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) runtime: Runtime,
    /// For the fields of a struct or the variants of an enum.
    pub(crate) rename_all: Option<String>,
    /// For the fields of an enum's variants.
    pub(crate) rename_all_fields: Option<String>,
    /// Whether it can be read from a row, column by column.
    pub(crate) has_columns: bool,
    /// Whether serde's derive makes sense of it.
    pub(crate) is_plain: bool,
    /// The types of the fields that go through serde as they are.
    pub(crate) fields: Vec<Type>,
}

impl WireType {
    pub(crate) fn from_struct(args: TokenStream, mut item: ItemStruct, errors: &mut Errors) -> Self {
        let options = WireOptions::parse(args, errors);
        quiet_docs(&mut item.attrs);
        item.fields.iter_mut().for_each(|field| quiet_docs(&mut field.attrs));
        let container = Container::read(&mut item.attrs, &options, errors);
        let is_plain = is_plain(&item.generics, errors);
        complete(&mut item.fields, container.default);
        let fields = travelling(&item.generics, &container, item.fields.iter());
        let is_plain = is_plain && all_owned(&fields, errors);
        if !is_plain {
            item.attrs.retain(|attr| !is_helper(attr));
            item.fields.iter_mut().for_each(without_helpers);
        }
        let has_columns = matches!(item.fields, Fields::Named(_)) && !container.transparent;
        // Elsewhere there is nothing to rename, and ts-rs refuses the attribute.
        let rename_all = container.rename_all(&options).filter(|_| has_columns && !item.fields.is_empty());
        Self {
            ident: item.ident.clone(),
            generics: item.generics.clone(),
            item: Item::Struct(item),
            runtime: options.runtime,
            rename_all,
            rename_all_fields: None,
            has_columns,
            is_plain,
            fields,
        }
    }

    pub(crate) fn from_enum(args: TokenStream, mut item: ItemEnum, errors: &mut Errors) -> Self {
        let options = WireOptions::parse(args, errors);
        let container = Container::read(&mut item.attrs, &options, errors);
        let is_plain = is_plain(&item.generics, errors);
        quiet_docs(&mut item.attrs);
        for variant in &mut item.variants {
            quiet_docs(&mut variant.attrs);
            variant.fields.iter_mut().for_each(|field| quiet_docs(&mut field.attrs));
            complete(&mut variant.fields, container.default);
        }
        let variants = item.variants.iter().filter(|variant| serde_keys(&variant.attrs).is_empty());
        let fields =
            travelling(&item.generics, &container, variants.flat_map(|variant| variant.fields.iter()));
        let is_plain = is_plain && all_owned(&fields, errors);
        if !is_plain {
            item.attrs.retain(|attr| !is_helper(attr));
            for variant in &mut item.variants {
                variant.attrs.retain(|attr| !is_helper(attr));
                variant.fields.iter_mut().for_each(without_helpers);
            }
        }
        Self {
            ident: item.ident.clone(),
            generics: item.generics.clone(),
            item: Item::Enum(item),
            rename_all: container.rename_all(&options),
            rename_all_fields: container.rename_all_fields(&options),
            runtime: options.runtime,
            has_columns: false,
            is_plain,
            fields,
        }
    }
}

/// What the user's own attributes on the type say.
#[derive(Default)]
struct Container {
    renames: bool,
    renames_fields: bool,
    default: bool,
    transparent: bool,
    /// `from`, `into` and the like: another type travels.
    converts: bool,
}

impl Container {
    fn read(attrs: &mut Vec<Attribute>, options: &WireOptions, errors: &mut Errors) -> Self {
        let mut container = Self::default();
        if let Some(second) = attrs.iter().find(|attr| attr::is(attr, "wire")) {
            errors.at(second, "`#[wire]` is given twice: keep one");
        }
        attrs.retain(|attr| !attr::is(attr, "wire"));
        for attr in attrs.iter_mut() {
            derives(attr, errors);
        }
        for key in serde_keys(attrs) {
            match key.to_token_stream().to_string().as_str() {
                "rename_all" if options.rename_all.is_some() => {
                    errors
                        .at(&key, "`rename_all` is given twice: `#[wire(rename_all = ..)]` says it already");
                    container.renames = true;
                }
                "rename_all" => container.renames = true,
                "rename_all_fields" => container.renames_fields = true,
                "default" => container.default = true,
                "transparent" => {
                    errors.at(
                        &key,
                        "write a tuple struct, `struct Id(u64);`: in JSON it is its one field already, and TypeScript knows",
                    );
                    container.transparent = true;
                }
                "from" | "try_from" | "into" | "remote" => container.converts = true,
                _ => {}
            }
        }
        container
    }

    fn rename_all(&self, options: &WireOptions) -> Option<String> {
        style(options).filter(|_| !self.renames)
    }

    fn rename_all_fields(&self, options: &WireOptions) -> Option<String> {
        style(options).filter(|_| !self.renames_fields)
    }
}

fn style(options: &WireOptions) -> Option<String> {
    let style = options.rename_all.as_ref().map_or_else(|| "camelCase".to_owned(), LitStr::value);
    (style != "none").then_some(style)
}

/// Takes what `#[wire]` derives itself out of a `#[derive(..)]`, with a message.
fn derives(attr: &mut Attribute, errors: &mut Errors) {
    if !attr.path().is_ident("derive") {
        return;
    }
    // What is not a list of paths is the compiler's to refuse.
    let Ok(paths) = attr.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated) else { return };
    let (ours, theirs): (Vec<Path>, Vec<Path>) = paths.into_iter().partition(|path| {
        path.segments.last().is_some_and(|last| DERIVED.iter().any(|name| last.ident == name))
    });
    let Some(first) = ours.first() else { return };
    let found = ours.iter().filter_map(|path| path.segments.last()).map(|last| names::plain(&last.ident));
    let found: Vec<String> = found.collect();
    errors.at(
        first,
        format!(
            "`#[wire]` derives {} already: leave it out here",
            names::list(found.iter().map(String::as_str))
        ),
    );
    *attr = parse_quote!(#[derive(#(#theirs),*)]);
}

/// The keys in all `#[serde(..)]` attributes.
fn serde_keys(attrs: &[Attribute]) -> Vec<Path> {
    let mut keys = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        if let Meta::List(list) = &attr.meta {
            // serde reads the same tokens and tells what is wrong with them.
            let _ = list.parse_nested_meta(|meta| {
                keys.push(meta.path.clone());
                skip_value(meta.input)
            });
        }
    }
    keys
}

fn is_plain(generics: &Generics, errors: &mut Errors) -> bool {
    let lifetime = generics.params.iter().find(|parameter| matches!(parameter, GenericParam::Lifetime(_)));
    if let Some(lifetime) = lifetime {
        errors.at(
            lifetime,
            "what travels is owned: use `String`, `Vec` and the like, and leave the lifetime out",
        );
    }
    lifetime.is_none()
}

/// What is read from a frame cannot be lent to anybody for longer than the frame is there.
fn all_owned(fields: &[Type], errors: &mut Errors) -> bool {
    let borrowed = fields.iter().find_map(types::borrow);
    if let Some(borrowed) = &borrowed {
        errors
            .at(borrowed, "what travels is owned: use `String`, `Vec` and the like in place of a reference");
    }
    borrowed.is_none()
}

/// A field that may be left out when written must be allowed to be absent when read, here and in TypeScript.
fn complete(fields: &mut Fields, container_default: bool) {
    if let Fields::Named(named) = fields {
        for field in &mut named.named {
            let keys = serde_keys(&field.attrs);
            let has = |name: &str| keys.iter().any(|key| key.is_ident(name));
            let covered = ["default", "skip", "skip_deserializing", "flatten"].into_iter().any(has);
            if has("skip_serializing_if") && !covered && !container_default {
                field.attrs.push(parse_quote!(#[serde(default)]));
            }
        }
    }
}

/// The types of fields that nothing of the user's stands between; those of generic types are not known yet.
fn travelling<'f>(
    generics: &Generics,
    container: &Container,
    fields: impl Iterator<Item = &'f Field>,
) -> Vec<Type> {
    if !generics.params.is_empty() || container.converts {
        return Vec::new();
    }
    let keys = [
        "skip",
        "with",
        "serialize_with",
        "deserialize_with",
        "skip_serializing",
        "skip_deserializing",
        "getter",
    ];
    let plain = |field: &&Field| {
        let ours = serde_keys(&field.attrs);
        !ours.iter().any(|key| keys.iter().any(|name| key.is_ident(name)))
    };
    fields.filter(plain).map(|field| field.ty.clone()).collect()
}

/// Doc comments become comments in TypeScript, which must not end early. Markdown shows `*\/` as `*/`.
fn quiet_docs(attrs: &mut [Attribute]) {
    for attr in attrs {
        let Meta::NameValue(pair) = &mut attr.meta else { continue };
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &mut pair.value else { continue };
        if pair.path.is_ident("doc") && text.value().contains("*/") {
            *text = LitStr::new(&text.value().replace("*/", "*\\/"), text.span());
        }
    }
}

impl WireType {
    /// Takes out what only the TypeScript derive reads: without it the compiler knows no such attribute.
    pub(crate) fn forget_typescript(&mut self) {
        let forget = |attrs: &mut Vec<Attribute>| attrs.retain(|attr| !attr.path().is_ident("ts"));
        let (attrs, fields): (_, Vec<&mut Field>) = match &mut self.item {
            Item::Struct(item) => (&mut item.attrs, item.fields.iter_mut().collect()),
            Item::Enum(item) => {
                item.variants.iter_mut().for_each(|variant| forget(&mut variant.attrs));
                let fields = item.variants.iter_mut().flat_map(|variant| variant.fields.iter_mut());
                (&mut item.attrs, fields.collect())
            }
            _ => return,
        };
        forget(attrs);
        fields.into_iter().for_each(|field| forget(&mut field.attrs));
    }
}

fn is_helper(attr: &Attribute) -> bool {
    attr.path().is_ident("serde") || attr.path().is_ident("ts")
}

fn without_helpers(field: &mut Field) {
    field.attrs.retain(|attr| !is_helper(attr));
}
