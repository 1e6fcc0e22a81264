//! The options in the brackets of this crate's attributes.

pub(crate) mod agent;
pub(crate) mod callable;
pub(crate) mod condition;
pub(crate) mod duration;
mod item;
pub(crate) mod wire;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::{Attribute, Path, Result, Token};

pub(crate) use item::{Docs, cfgs, deprecated, docs};

use crate::errors::Errors;
use crate::names;

/// The path at which the expansion finds the runtime.
#[derive(Clone)]
pub(crate) struct Runtime(Path);

impl Default for Runtime {
    fn default() -> Self {
        Self(syn::parse_quote!(::agents))
    }
}

impl Runtime {
    /// Reads `= path` after `crate`.
    pub(crate) fn parse(meta: &ParseNestedMeta<'_>) -> Result<Self> {
        meta.value()?.call(Path::parse_mod_style).map(Self)
    }

    /// Returns the path of the crate, if it is not the default.
    pub(crate) fn given(&self) -> Option<&Path> {
        (self.text("") != Self::default().text("")).then_some(&self.0)
    }

    /// Returns the path as text, for attributes of other macros that expect a string.
    pub(crate) fn text(&self, item: &str) -> String {
        let path = self.0.to_token_stream().to_string().replace(' ', "");
        format!("{path}::__rt::{item}")
    }
}

impl ToTokens for Runtime {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let path = &self.0;
        tokens.extend(quote!(#path::__rt));
    }
}

/// Returns whether an attribute has this name, also when written with a path.
pub(crate) fn is(attr: &Attribute, name: &str) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == name)
}

/// The keys of one pair of brackets: each must be known, and given once.
pub(crate) struct Keys {
    attribute: &'static str,
    known: &'static [&'static str],
    seen: Vec<String>,
}

impl Keys {
    pub(crate) fn new(attribute: &'static str, known: &'static [&'static str]) -> Self {
        Self { attribute, known, seen: Vec::new() }
    }

    /// Returns the next key. A wrong key is reported and its value skipped, so that reading continues.
    pub(crate) fn next(&mut self, meta: &ParseNestedMeta<'_>, errors: &mut Errors) -> Result<Option<String>> {
        let key = meta
            .path
            .get_ident()
            .map_or_else(|| meta.path.to_token_stream().to_string().replace(' ', ""), names::plain);
        if !self.known.contains(&key.as_str()) {
            let hint = names::nearest(&key, self.known.iter().copied())
                .map_or_else(|| "the".to_owned(), |near| format!("did you mean `{near}`? The"));
            errors.at(
                &meta.path,
                format!(
                    "`{}` has no option `{key}`: {hint} options are {}",
                    self.attribute,
                    names::list(self.known.iter().copied()),
                ),
            );
            return skip_value(meta.input).map(|()| None);
        }
        if self.seen.contains(&key) {
            errors.at(&meta.path, format!("`{key}` is given twice: keep one"));
            return skip_value(meta.input).map(|()| None);
        }
        self.seen.push(key.clone());
        Ok(Some(key))
    }
}

/// Skips `= value` or `(..)` up to the next comma.
pub(crate) fn skip_value(input: ParseStream<'_>) -> Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}
