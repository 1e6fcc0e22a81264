//! Parameters of callables.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Attribute, Expr, FnArg, Meta, Pat, PatType, Receiver, ReceiverKind, Type, TypeReference};

use super::types;
use crate::attr;
use crate::errors::Errors;
use crate::names;

/// The source of a parameter's value.
pub(crate) enum Parameter {
    /// `body: String`: sent by the client.
    Argument(Argument),
    /// `cx: &Context<Self>`: made by the runtime.
    Injected(Injected),
}

/// A value that the client sends.
pub(crate) struct Argument {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) default: Option<Expr>,
}

/// A value that the runtime makes for the call.
pub(crate) struct Injected {
    /// The `T` of `&T`.
    pub(crate) ty: Type,
    /// `true` if the parameter is `Option<&T>`.
    pub(crate) optional: bool,
}

/// The types that the runtime provides, always by reference.
pub(crate) const REFERENCES: [&str; 5] =
    ["Context", "View", "Connection", "ConnectRequest", "StreamingResponse"];

impl Parameter {
    /// Reads one parameter of a callable; returns `None` after a mistake is reported.
    pub(crate) fn parse(typed: &PatType, errors: &mut Errors) -> Option<Self> {
        let default = default(&typed.attrs, errors);
        if let Some(cfg) = typed.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
            errors.at(cfg, "an argument is part of what clients call: put `#[cfg]` on the whole method");
            return None;
        }
        if let Some(reference) = types::optional_reference(&typed.ty) {
            return injected(reference, true, default.is_some(), errors);
        }
        match types::bare(&typed.ty) {
            Type::Reference(reference) => injected(reference, false, default.is_some(), errors),
            _ => argument(typed, default, errors),
        }
    }
}

fn injected(
    reference: &TypeReference,
    optional: bool,
    default: bool,
    errors: &mut Errors,
) -> Option<Parameter> {
    if default {
        errors.at(reference, "only what the client sends has a default: a reference comes from the runtime");
        return None;
    }
    borrowed(reference, errors)
        .then(|| Parameter::Injected(Injected { ty: (*reference.elem).clone(), optional }))
}

/// Reports a `&T` that the runtime cannot provide.
pub(crate) fn borrowed(reference: &TypeReference, errors: &mut Errors) -> bool {
    let owned = match types::bare(&reference.elem) {
        ty if types::is_named(ty, "str") => Some("String".to_owned()),
        ty if types::is_named(ty, "String") => Some("String".to_owned()),
        Type::Slice(slice) => {
            let item = slice.elem.to_token_stream().to_string().replace(' ', "");
            Some(format!("Vec<{}>", if item == "str" { "String" } else { &item }))
        }
        _ => None,
    };
    if let Some(owned) = owned {
        errors.at(reference, format!("take `{owned}`: arguments from the client are owned"));
    } else if reference.mutability.is_some() {
        errors.at(reference, "take it as `&`: values of the runtime are shared with other calls");
    } else if let Some(lifetime) = &reference.lifetime {
        errors.at(lifetime, "leave the lifetime out: values of the runtime live exactly as long as the call");
    } else {
        return true;
    }
    false
}

fn argument(typed: &PatType, default: Option<Expr>, errors: &mut Errors) -> Option<Parameter> {
    let ty = &*typed.ty;
    if let Some(opaque) = types::opaque(ty) {
        errors.at(opaque, "name the type: an argument is read from JSON, so it cannot be `impl Trait`");
        return None;
    }
    if let Some(name) = runtime_value(ty) {
        errors.at(ty, format!("take `&{name}`: values of the runtime are borrowed"));
        return None;
    }
    if let Some(borrow) = types::borrow(ty) {
        errors.at(
            borrow,
            "arguments from the client are owned: take `String`, `Vec` or a type without lifetimes",
        );
        return None;
    }
    let Pat::Ident(pattern) = &*typed.pat else {
        errors.at(&typed.pat, "give the argument a name: it is part of what clients call");
        return None;
    };
    if let Some((_, inner)) = &pattern.subpat {
        errors.at(inner, "give the argument a plain name and take it apart in the body");
        return None;
    }
    if agents_case::camel_case(&names::plain(&pattern.ident)).is_empty() {
        errors.at(pattern, "give the argument a name with letters: it is part of what clients call");
        return None;
    }
    Some(Parameter::Argument(Argument { ident: pattern.ident.clone(), ty: ty.clone(), default }))
}

/// Returns the type with its brackets, if this is a type of the runtime that is taken without `&`.
///
/// Only a type with angle brackets counts, because a wire type of the user may be called `View`.
fn runtime_value(ty: &Type) -> Option<String> {
    let name = REFERENCES.into_iter().find(|name| types::is_named(ty, name))?;
    let argument = types::first_argument(ty)?;
    (types::is_named(argument, "Self") || name == "StreamingResponse")
        .then(|| format!("{name}<{}>", argument.to_token_stream().to_string().replace(' ', "")))
}

/// Returns the expression of `#[default = EXPR]` on a parameter.
fn default(attrs: &[Attribute], errors: &mut Errors) -> Option<Expr> {
    let mut found = None;
    for attr in attrs.iter().filter(|attr| is_default(attr)) {
        match &attr.meta {
            Meta::NameValue(_) if found.is_some() => errors.at(attr, "`#[default]` is given twice: keep one"),
            Meta::NameValue(pair) => found = Some(pair.value.clone()),
            _ => errors.at(attr, "write `#[default = EXPRESSION]`"),
        }
    }
    found
}

/// Returns whether this is `#[default = ..]`, which the compiler does not accept on a parameter.
pub(crate) fn is_default(attr: &Attribute) -> bool {
    attr.path().is_ident("default")
}

/// Returns whether this is `&self`; otherwise a mistake is reported.
pub(crate) fn shared_receiver(receiver: Option<&Receiver>, method: &Ident, errors: &mut Errors) -> bool {
    let Some(receiver) = receiver else {
        errors.at(method, format!("`{}` needs `&self`: it runs on one agent", names::plain(method)));
        return false;
    };
    match &receiver.kind {
        ReceiverKind::Reference(_, None, None) => return true,
        ReceiverKind::Reference(_, Some(lifetime), None) => {
            errors.at(lifetime, "leave the lifetime out: write `&self`");
        }
        ReceiverKind::Reference(_, _, Some(_)) => errors.at(
            receiver,
            "take `&self`: calls interleave at their awaits. Keep what changes in the state, in SQL, or in a `Mutex`",
        ),
        _ => errors.at(receiver, "take `&self`: the agent outlives the call and is shared with other calls"),
    }
    false
}

/// Reports qualifiers that neither a callable nor a hook can have.
pub(crate) fn plain_function(sig: &syn::Signature, what: &str, errors: &mut Errors) -> bool {
    if let Some(constness) = &sig.constness {
        errors.at(constness, format!("{what} runs when the agent is awake: leave `const` out"));
    } else if let syn::Safety::Unsafe(keyword) = &sig.safety {
        errors.at(keyword, format!("{what} is called by safe code: leave `unsafe` out"));
    } else if let Some(abi) = &sig.abi {
        errors.at(abi, format!("{what} is called from Rust: leave `extern` out"));
    } else if let Some(variadic) = &sig.variadic {
        errors.at(variadic, format!("{what} has a fixed list of arguments"));
    } else if !sig.generics.params.is_empty() {
        errors.at(
            &sig.generics,
            format!(
                "{what} cannot be generic: clients send JSON, so every type must be known. Name the types"
            ),
        );
    } else if let Some(clause) = &sig.generics.where_clause {
        errors.at(clause, format!("{what} cannot be generic: leave the `where` clause out"));
    } else {
        return true;
    }
    false
}

/// Returns the parameters after the receiver.
pub(crate) fn typed(sig: &syn::Signature) -> impl Iterator<Item = &PatType> {
    sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    })
}

/// Returns the attributes with this name, which belongs to this crate.
pub(crate) fn marked<'a>(attrs: &'a [Attribute], name: &'a str) -> impl Iterator<Item = &'a Attribute> {
    attrs.iter().filter(move |attr| attr::is(attr, name))
}
