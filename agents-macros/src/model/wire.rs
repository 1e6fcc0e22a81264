//! Wire types.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Field, Fields, GenericParam, Generics, Item, ItemEnum, ItemStruct, LitStr, Meta, Path, Token,
    Type, parse_quote,
};

use crate::attr::condition::{self, When};
use crate::attr::wire::WireOptions;
use crate::attr::{self, Runtime};
use crate::errors::Errors;
use crate::model::neighbours::{self, Module};
use crate::model::types;
use crate::names;

const DERIVED: [&str; 3] = ["Serialize", "Deserialize", "TS"];

/// Keys of serde with which code of the user is called between a field and its value.
const BY_HAND: [&str; 7] = [
    "skip",
    "with",
    "serialize_with",
    "deserialize_with",
    "skip_serializing",
    "skip_deserializing",
    "getter",
];

/// Keys of ts-rs that set the type of a field or of a type.
const DECLARES_TYPE: [&str; 2] = ["type", "as"];

/// A struct or enum with `#[wire]`.
pub(crate) struct WireType {
    /// The item as the user wrote it, without the attributes of this crate, and with missing attributes
    /// added.
    pub(crate) item: Item,
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) runtime: Runtime,
    /// `#[serde(rename_all = ..)]` and the like, each behind its condition.
    pub(crate) styles: Vec<Attribute>,
    pub(crate) row: RowForm,
    /// `true` if serde's derive accepts the type.
    pub(crate) is_plain: bool,
    /// The condition under which the user gives the type another name in TypeScript.
    pub(crate) renamed: When,
    /// The fields that serde handles directly.
    pub(crate) fields: Vec<Travelling>,
    pub(crate) keys: Keys,
}

/// The rows that a type can be read from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowForm {
    /// A row with a column for each field.
    Columns,
    /// A row of one column, which holds the whole value.
    OneColumn,
    /// No row.
    None,
}

/// The handling of unknown keys by a type.
#[derive(Default)]
pub(crate) struct Keys {
    /// `true` if serde ignores unknown keys and `serde_ignored` does not see them.
    pub(crate) are_hidden: bool,
    /// `true` if serde tries several forms in turn.
    pub(crate) are_tried: bool,
    /// `true` if code of the program decides that a field is read and not written again.
    pub(crate) are_by_hand: bool,
    /// The fields, whose types have their own handling.
    pub(crate) parts: Vec<Part>,
}

/// A field, with the conditions under which it exists.
pub(crate) struct Part {
    pub(crate) ty: Type,
    pub(crate) cfgs: Vec<Attribute>,
}

impl Keys {
    fn of_container(attrs: &[Attribute]) -> Self {
        let has = |names: &[&str]| has(attrs, names);
        Self { are_hidden: has(&["tag"]), are_tried: has(&["untagged"]), ..Self::default() }
    }

    fn add_variant(&mut self, attrs: &[Attribute], fields: &Fields) {
        self.are_tried |= has(attrs, &["untagged"]);
        self.are_by_hand |= has(attrs, &["with", "deserialize_with"]);
        self.add_fields(&attr::cfgs(attrs), fields);
    }

    fn add_fields(&mut self, cfgs: &[Attribute], fields: &Fields) {
        for field in fields {
            let has = |names: &[&str]| has(&field.attrs, names);
            let is_flat = has(&["flatten"]);
            self.are_hidden |= is_flat;
            // A value that does not fit is read as `None` then.
            self.are_tried |= is_flat && types::is_named(&field.ty, "Option");
            self.are_by_hand |= has(&["skip_serializing"])
                || (has(&["skip_serializing_if"]) && has(&["with", "deserialize_with"]));
            let mut all = cfgs.to_vec();
            all.extend(attr::cfgs(&field.attrs));
            self.parts.push(Part { ty: field.ty.clone(), cfgs: all });
        }
    }
}

/// Returns whether one of these keys is given to serde, under any condition.
fn has(attrs: &[Attribute], names: &[&str]) -> bool {
    !condition::when(&condition::keys(attrs, "serde"), names).is_never()
}

/// A field that serde handles directly, with the conditions under which it does.
pub(crate) struct Travelling {
    pub(crate) ty: Type,
    /// `true` if the field is written without serde's own code for its type.
    pub(crate) is_long_array: bool,
    /// `true` if the user sets how TypeScript sees the field.
    pub(crate) is_told: bool,
    pub(crate) cfgs: Vec<Attribute>,
}

impl WireType {
    pub(crate) fn from_struct(args: TokenStream, mut item: ItemStruct, errors: &mut Errors) -> Self {
        let options = WireOptions::parse(args, errors);
        let container = Container::read(&mut item.attrs, &options, errors);
        let own = own_path(&item.ident, &item.generics);
        let row = match &item.fields {
            Fields::Named(_) if container.transparent.is_never() => RowForm::Columns,
            Fields::Unnamed(_) => RowForm::OneColumn,
            _ => RowForm::None,
        };
        item.fields.iter_mut().for_each(|field| spell_out_self(field, &own));
        complete(&mut item.fields, &container.default);
        let mut keys = Keys::of_container(&item.attrs);
        keys.add_fields(&[], &item.fields);
        let fields = travelling(&item.generics, &container, &[], item.fields.iter());
        let is_plain = is_plain(&item.generics, errors)
            && all_owned(&fields, errors)
            && all_travel(&item.ident, &fields, errors);
        if is_plain {
            prepare(&mut item.fields, &item.generics, &options.runtime, &container.default);
            if matches!(item.fields, Fields::Named(_)) {
                item.attrs.extend(optional_fields(&container.declared));
            }
        } else {
            without_helpers(&mut item.attrs);
            item.fields.iter_mut().for_each(|field| without_helpers(&mut field.attrs));
        }
        // A type without named fields has nothing to rename, and ts-rs refuses the attribute.
        let has_names = row == RowForm::Columns && !item.fields.is_empty();
        Self {
            ident: item.ident.clone(),
            generics: item.generics.clone(),
            item: Item::Struct(item),
            styles: container.styles(&options, has_names, false),
            runtime: options.runtime,
            row,
            is_plain,
            renamed: container.renamed,
            fields,
            keys,
        }
    }

    pub(crate) fn from_enum(args: TokenStream, mut item: ItemEnum, errors: &mut Errors) -> Self {
        let options = WireOptions::parse(args, errors);
        let container = Container::read(&mut item.attrs, &options, errors);
        let own = own_path(&item.ident, &item.generics);
        let mut fields = Vec::new();
        let mut keys = Keys::of_container(&item.attrs);
        for variant in &mut item.variants {
            variant.fields.iter_mut().for_each(|field| spell_out_self(field, &own));
            complete(&mut variant.fields, &container.default);
            keys.add_variant(&variant.attrs, &variant.fields);
            // Other keys of a variant may change the handling of its fields.
            if let Some(mut cfgs) = condition::when_any(&condition::keys(&variant.attrs, "serde")).cfg_not() {
                cfgs.extend(attr::cfgs(&variant.attrs));
                fields.extend(travelling(&item.generics, &container, &cfgs, variant.fields.iter()));
            }
        }
        let is_plain = is_plain(&item.generics, errors)
            && all_owned(&fields, errors)
            && all_travel(&item.ident, &fields, errors);
        for variant in &mut item.variants {
            if is_plain {
                prepare(&mut variant.fields, &item.generics, &options.runtime, &container.default);
                if matches!(variant.fields, Fields::Named(_)) {
                    let declared = condition::when(&condition::keys(&variant.attrs, "ts"), &DECLARES_TYPE);
                    variant.attrs.extend(optional_fields(&declared));
                }
            } else {
                without_helpers(&mut variant.attrs);
                variant.fields.iter_mut().for_each(|field| without_helpers(&mut field.attrs));
            }
        }
        if !is_plain {
            without_helpers(&mut item.attrs);
        }
        Self {
            ident: item.ident.clone(),
            generics: item.generics.clone(),
            item: Item::Enum(item),
            styles: container.styles(&options, true, true),
            runtime: options.runtime,
            row: RowForm::OneColumn,
            is_plain,
            renamed: container.renamed,
            fields,
            keys,
        }
    }
}

/// The user's own attributes on the type.
#[derive(Default)]
struct Container {
    renames: When,
    renames_fields: When,
    default: When,
    transparent: When,
    /// `from`, `into` and similar keys, with which another type is sent.
    converts: When,
    /// The condition under which the type has another name in TypeScript.
    renamed: When,
    /// The condition under which the TypeScript type is written by hand.
    declared: When,
}

impl Container {
    fn read(attrs: &mut Vec<Attribute>, options: &WireOptions, errors: &mut Errors) -> Self {
        if let Some(second) = attrs.iter().find(|attr| attr::is(attr, "wire")) {
            errors.at(second, "`#[wire]` is given twice: keep one");
        }
        attrs.retain(|attr| !attr::is(attr, "wire"));
        condition::retain(attrs, &mut |meta| {
            derives(meta, errors);
            true
        });
        let (serde, ts) = (condition::keys(attrs, "serde"), condition::keys(attrs, "ts"));
        for key in &serde {
            if key.path.is_ident("rename_all") && options.rename_all.is_some() {
                let why = "`rename_all` is given twice: `#[wire(rename_all = ..)]` already sets it";
                errors.at(&key.path, why);
            } else if key.path.is_ident("transparent") {
                errors.at(
                    &key.path,
                    "write a tuple struct, `struct Id(u64);`: its JSON and TypeScript are already those of its field",
                );
            }
        }
        let mut renamed = condition::when(&serde, &["rename"]);
        if renamed.is_never() {
            renamed = condition::when(&ts, &["rename"]);
        } else if !condition::when(&ts, &["rename"]).is_never() {
            renamed = When::Always;
        }
        Self {
            renames: condition::when(&serde, &["rename_all"]),
            renames_fields: condition::when(&serde, &["rename_all_fields"]),
            default: condition::when(&serde, &["default"]),
            transparent: condition::when(&serde, &["transparent"]),
            converts: condition::when(&serde, &["from", "try_from", "into", "remote"]),
            renamed,
            declared: condition::when(&ts, &DECLARES_TYPE),
        }
    }

    /// Returns the styles of names, where the user sets none.
    fn styles(&self, options: &WireOptions, names: bool, names_of_fields: bool) -> Vec<Attribute> {
        let style = options.rename_all.as_ref().map_or_else(|| "camelCase".to_owned(), LitStr::value);
        if style == "none" {
            return Vec::new();
        }
        let all = names.then(|| self.renames.unless(&quote!(serde(rename_all = #style))));
        let of_fields =
            names_of_fields.then(|| self.renames_fields.unless(&quote!(serde(rename_all_fields = #style))));
        all.into_iter().chain(of_fields).flatten().collect()
    }
}

/// Returns the path of the type itself, which replaces `Self`.
fn own_path(ident: &Ident, generics: &Generics) -> Path {
    let (_, generics, _) = generics.split_for_impl();
    parse_quote!(#ident #generics)
}

/// Replaces `Self` in a field, because generated code beside the type has another `Self`.
fn spell_out_self(field: &mut Field, own: &Path) {
    // Only one name differs, so the tokens still parse as a type.
    if let Ok(ty) = syn::parse2(types::without_self(&field.ty, own)) {
        field.ty = ty;
    }
}

/// Removes the derives that `#[wire]` itself adds from a `derive(..)`, and reports them.
fn derives(meta: &mut Meta, errors: &mut Errors) {
    let Meta::List(list) = meta else { return };
    if !list.path.is_ident("derive") {
        return;
    }
    // The compiler refuses a list that does not consist of paths.
    let Ok(paths) = list.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated) else { return };
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
    *meta = parse_quote!(derive(#(#theirs),*));
}

fn is_plain(generics: &Generics, errors: &mut Errors) -> bool {
    let lifetime = generics.params.iter().find(|parameter| matches!(parameter, GenericParam::Lifetime(_)));
    if let Some(lifetime) = lifetime {
        errors.at(
            lifetime,
            "a wire type is owned: use `String`, `Vec` and the like, and leave the lifetime out",
        );
    }
    lifetime.is_none()
}

/// Returns whether all fields are owned; reports the first one that is not.
///
/// A value that is read from a frame cannot borrow from it, because the value may outlive the frame.
fn all_owned(fields: &[Travelling], errors: &mut Errors) -> bool {
    let borrowed = fields.iter().find_map(|field| types::borrow(&field.ty));
    if let Some(borrowed) = &borrowed {
        errors.at(borrowed, "a wire type is owned: use `String`, `Vec` and the like in place of a reference");
    }
    borrowed.is_none()
}

/// Returns whether no field is of a type that cannot travel, as far as the file of the type shows; reports
/// each such type once.
fn all_travel(ident: &Ident, fields: &[Travelling], errors: &mut Errors) -> bool {
    let modules = neighbours::here();
    let Some(module) = Module::of_wire_type(&modules, &names::plain(ident)) else { return true };
    let mut reported = Vec::new();
    for field in fields.iter().filter(|field| !field.is_told && field.cfgs.is_empty()) {
        neighbours::report(module, &field.ty, &mut reported, errors);
    }
    reported.is_empty()
}

/// Lets a field that may be omitted when written also be absent when read, here and in TypeScript.
fn complete(fields: &mut Fields, container_default: &When) {
    let Fields::Named(named) = fields else { return };
    for field in &mut named.named {
        let keys = condition::keys(&field.attrs, "serde");
        let left_out = condition::when(&keys, &["skip_serializing_if"]);
        let mut covered = condition::when(&keys, &["default", "skip", "skip_deserializing", "flatten"]);
        covered.or_when(container_default);
        field.attrs.extend(left_out.but_not(&covered, &quote!(serde(default))));
    }
}

/// Returns the fields that serde handles directly; a type that names a generic parameter is not checked.
fn travelling<'f>(
    generics: &Generics,
    container: &Container,
    cfgs: &[Attribute],
    fields: impl Iterator<Item = &'f Field>,
) -> Vec<Travelling> {
    let Some(of_all) = container.converts.cfg_not() else { return Vec::new() };
    let travelling = |field: &Field| {
        if generics.params.iter().any(|parameter| types::names_parameter(&field.ty, parameter)) {
            return None;
        }
        let mut all = condition::when(&condition::keys(&field.attrs, "serde"), &BY_HAND).cfg_not()?;
        all.extend(of_all.iter().chain(cfgs).cloned());
        all.extend(attr::cfgs(&field.attrs));
        let is_long_array = is_long_array(field);
        let is_told = !condition::keys(&field.attrs, "ts").is_empty();
        Some(Travelling { ty: field.ty.clone(), is_long_array, is_told, cfgs: all })
    };
    fields.filter_map(travelling).collect()
}

/// Returns whether a field is written without serde's own code, which does not support long arrays.
fn is_long_array(field: &Field) -> bool {
    condition::when(&condition::keys(&field.attrs, "serde"), &BY_HAND).is_never()
        && condition::keys(&field.attrs, "ts").is_empty()
        && types::has_long_array(&field.ty)
}

/// Adds the attributes to fields that the derives need.
fn prepare(fields: &mut Fields, generics: &Generics, runtime: &Runtime, container_default: &When) {
    let are_named = matches!(fields, Fields::Named(_));
    for field in fields {
        let (serde, ts) = (condition::keys(&field.attrs, "serde"), condition::keys(&field.attrs, "ts"));
        let mut default = condition::when(&serde, &["default"]);
        default.or_when(container_default);
        if is_long_array(field) {
            let (with, ty) = (runtime.text("wire_field"), field.ty.to_token_stream().to_string());
            field.attrs.push(parse_quote!(#[serde(with = #with)]));
            let bounds: Vec<String> = generics
                .type_params()
                .filter(|parameter| types::names(&field.ty, &parameter.ident))
                .map(|parameter| format!("{}: {}", parameter.ident, runtime.text("Wire")))
                .collect();
            if !bounds.is_empty() {
                let bounds = bounds.join(", ");
                field.attrs.push(parse_quote!(#[serde(bound = #bounds)]));
            }
            field.attrs.push(parse_quote!(#[ts(as = #ty)]));
            if are_named && types::is_named(&field.ty, "Option") {
                field.attrs.extend(default.unless(&quote!(serde(default))));
            }
        }
        if are_named && ts.is_empty() && condition::when(&serde, &["flatten"]).is_never() {
            // serde requires the field then, even if its type is an `Option`.
            let asked_for = condition::when(&serde, &["with", "deserialize_with"]);
            field.attrs.extend(asked_for.but_not(&default, &quote!(ts(optional = false))));
            let left_out = condition::when(&serde, &["skip_serializing_if", "skip_serializing"]);
            let left_out = if default.is_never() { When::Never } else { left_out };
            field.attrs.extend(left_out.but_not(&When::Never, &quote!(ts(optional = nullable))));
        }
    }
}

/// Returns the attribute that lets fields that may be `null` be omitted, as `undefined` values are in JSON.
fn optional_fields(declared: &When) -> Option<Attribute> {
    declared.unless(&quote!(ts(optional_fields = nullable)))
}

/// Removes the helper attributes of derives where these derives are not added.
fn without_helpers(attrs: &mut Vec<Attribute>) {
    condition::retain(attrs, &mut |meta| !meta.path().is_ident("serde") && !meta.path().is_ident("ts"));
}
