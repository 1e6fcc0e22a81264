//! Attributes that may be inside `#[cfg_attr(..)]`.
//!
//! A derive sees only the attributes whose conditions hold. An attribute macro sees all of them, and must put
//! the attributes that it adds behind the same conditions.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Path, Token, parse_quote};

use super::skip_value;

/// The condition under which a fact holds, as the union of the conditions of all places that state the fact.
#[derive(Clone, Default)]
pub(crate) enum When {
    #[default]
    Never,
    If(Vec<TokenStream>),
    Always,
}

impl When {
    /// Adds a place; a place without a condition makes the fact hold always.
    pub(crate) fn or(&mut self, condition: Option<&TokenStream>) {
        match (condition, &mut *self) {
            (_, Self::Always) => {}
            (None, _) => *self = Self::Always,
            (Some(condition), Self::If(all)) => all.push(condition.clone()),
            (Some(condition), Self::Never) => *self = Self::If(vec![condition.clone()]),
        }
    }

    /// Adds all places of another condition.
    pub(crate) fn or_when(&mut self, other: &Self) {
        match other {
            Self::Never => {}
            Self::If(all) => all.iter().for_each(|condition| self.or(Some(condition))),
            Self::Always => self.or(None),
        }
    }

    /// Returns the attribute for the case that this does not hold; `None` if this always holds.
    pub(crate) fn unless(&self, attribute: &TokenStream) -> Option<Attribute> {
        match self {
            Self::Never => Some(parse_quote!(#[#attribute])),
            Self::If(all) => {
                let holds = any(all);
                Some(parse_quote!(#[cfg_attr(not(#holds), #attribute)]))
            }
            Self::Always => None,
        }
    }

    /// Returns the attribute for the case that this holds and the other does not; `None` if that cannot be.
    pub(crate) fn but_not(&self, other: &Self, attribute: &TokenStream) -> Option<Attribute> {
        match (self, other) {
            (Self::Never, _) | (_, Self::Always) => None,
            (Self::Always, _) => other.unless(attribute),
            (Self::If(all), Self::Never) => {
                let holds = any(all);
                Some(parse_quote!(#[cfg_attr(#holds, #attribute)]))
            }
            (Self::If(all), Self::If(others)) => {
                let (holds, not) = (any(all), any(others));
                Some(parse_quote!(#[cfg_attr(all(#holds, not(#not)), #attribute)]))
            }
        }
    }

    /// Returns `#[cfg(..)]` for an item that must not exist where this holds; `None` if this always holds.
    pub(crate) fn cfg_not(&self) -> Option<Vec<Attribute>> {
        match self {
            Self::Never => Some(Vec::new()),
            Self::If(all) => {
                let holds = any(all);
                Some(vec![parse_quote!(#[cfg(not(#holds))])])
            }
            Self::Always => None,
        }
    }

    pub(crate) fn is_never(&self) -> bool {
        matches!(self, Self::Never)
    }
}

/// Returns one condition for several.
fn any(conditions: &[TokenStream]) -> TokenStream {
    match conditions {
        [one] => one.clone(),
        all => quote!(any(#(#all),*)),
    }
}

/// A key in the brackets of an attribute, such as `default` of `#[serde(default)]`.
pub(crate) struct Key {
    pub(crate) path: Path,
    condition: Option<TokenStream>,
}

/// Returns the keys in all attributes with this name.
pub(crate) fn keys(attrs: &[Attribute], attribute: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    for attr in attrs {
        each(&attr.meta, None, &mut |meta, condition| {
            if let (true, Meta::List(list)) = (meta.path().is_ident(attribute), meta) {
                // A mistake inside is reported by the macro that reads these tokens.
                let _ = list.parse_nested_meta(|meta| {
                    keys.push(Key { path: meta.path.clone(), condition: condition.cloned() });
                    skip_value(meta.input)
                });
            }
        });
    }
    keys
}

/// Returns the condition under which one of these keys is present.
pub(crate) fn when(keys: &[Key], names: &[&str]) -> When {
    let mut when = When::Never;
    for key in keys.iter().filter(|key| names.iter().any(|name| key.path.is_ident(name))) {
        when.or(key.condition.as_ref());
    }
    when
}

/// Returns the condition under which any key is present.
pub(crate) fn when_any(keys: &[Key]) -> When {
    let mut when = When::Never;
    keys.iter().for_each(|key| when.or(key.condition.as_ref()));
    when
}

/// Visits an attribute; visits the inner attributes if it is `cfg_attr`.
fn each(meta: &Meta, condition: Option<&TokenStream>, see: &mut impl FnMut(&Meta, Option<&TokenStream>)) {
    let Some((own, metas)) = conditional(meta) else { return see(meta, condition) };
    let both = condition.map_or_else(|| own.clone(), |outer| quote!(all(#outer, #own)));
    for meta in &metas {
        each(meta, Some(&both), &mut *see);
    }
}

/// Keeps the attributes for which `keep` returns `true`, also inside of `cfg_attr`.
pub(crate) fn retain(attrs: &mut Vec<Attribute>, keep: &mut impl FnMut(&mut Meta) -> bool) {
    attrs.retain_mut(|attr| retained(&mut attr.meta, &mut *keep));
}

fn retained(meta: &mut Meta, keep: &mut impl FnMut(&mut Meta) -> bool) -> bool {
    let Some((condition, mut metas)) = conditional(meta) else { return keep(meta) };
    metas.retain_mut(|meta| retained(meta, &mut *keep));
    *meta = parse_quote!(cfg_attr(#condition, #(#metas),*));
    !metas.is_empty()
}

/// Returns the condition of a `cfg_attr`, and the attributes behind it.
fn conditional(meta: &Meta) -> Option<(TokenStream, Vec<Meta>)> {
    let Meta::List(list) = meta else { return None };
    if !list.path.is_ident("cfg_attr") {
        return None;
    }
    let mut tokens = list.tokens.clone().into_iter();
    let comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    let condition = tokens.by_ref().take_while(|token| !comma(token)).collect();
    let metas = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens.collect()).ok()?;
    Some((condition, metas.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    fn text(attr: Option<Attribute>) -> Option<String> {
        attr.map(|attr| attr.to_token_stream().to_string().replace(' ', ""))
    }

    #[test]
    fn conditions_are_carried_along() {
        let attrs: Vec<Attribute> = vec![
            parse_quote!(#[cfg_attr(feature = "a", serde(skip), doc = "x")]),
            parse_quote!(#[cfg_attr(unix, cfg_attr(b, serde(skip, default)))]),
            parse_quote!(#[serde(rename = "c")]),
        ];
        let keys = keys(&attrs, "serde");
        let skip = when(&keys, &["skip"]);
        let unless = text(skip.unless(&quote!(x)));
        assert_eq!(unless.as_deref(), Some(r##"#[cfg_attr(not(any(feature="a",all(unix,b))),x)]"##));
        assert!(matches!(when(&keys, &["rename", "skip"]), When::Always));
        assert!(when(&keys, &["with"]).is_never());
        assert_eq!(text(When::Always.unless(&quote!(x))), None);
        let default = when(&keys, &["default"]);
        assert_eq!(
            text(skip.but_not(&default, &quote!(x))).as_deref(),
            Some(r##"#[cfg_attr(all(any(feature="a",all(unix,b)),not(all(unix,b))),x)]"##)
        );
        assert_eq!(text(When::Always.but_not(&When::Never, &quote!(x))).as_deref(), Some("#[x]"));
    }

    #[test]
    fn what_is_kept_is_kept_inside_too() {
        let mut attrs: Vec<Attribute> = vec![
            parse_quote!(#[cfg_attr(a, serde(skip), ts(skip))]),
            parse_quote!(#[cfg_attr(a, ts(skip))]),
            parse_quote!(#[ts(skip)]),
        ];
        retain(&mut attrs, &mut |meta| !meta.path().is_ident("ts"));
        assert_eq!(attrs.len(), 1);
        assert_eq!(text(attrs.pop()).as_deref(), Some("#[cfg_attr(a,serde(skip))]"));
    }
}
