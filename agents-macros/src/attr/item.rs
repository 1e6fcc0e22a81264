//! Attributes of other macros that matter to clients or to the expansion.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// A doc comment as one string expression.
#[derive(Clone, Default)]
pub(crate) struct Docs(Vec<Line>);

#[derive(Clone)]
enum Line {
    Text(String),
    /// `#[doc = include_str!(..)]` and the like, whose text only the compiler knows.
    Expression(Expr),
}

/// Returns the doc comment of an item.
pub(crate) fn docs(attrs: &[Attribute]) -> Docs {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => Some(match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Line::Text(trim_line(&text.value())),
            other => Line::Expression(other.clone()),
        }),
        _ => None,
    });
    Docs(lines.collect())
}

/// Removes the space after `///`, which belongs to the comment and not to the text.
fn trim_line(line: &str) -> String {
    line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()
}

impl ToTokens for Docs {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let mut parts: Vec<TokenStream> = Vec::new();
        let mut text = String::new();
        for (index, line) in self.0.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            match line {
                Line::Text(line) => text.push_str(line),
                Line::Expression(expression) => {
                    let before = std::mem::take(&mut text);
                    parts.push(quote!(#before, #expression,));
                }
            }
        }
        tokens.extend(if parts.is_empty() {
            let text = text.trim_end();
            quote!(#text)
        } else {
            quote!(::core::concat!(#(#parts)* #text))
        });
    }
}

/// Returns the note of `#[deprecated]`; an empty text if it has none.
pub(crate) fn deprecated(attrs: &[Attribute]) -> Option<String> {
    let attr = attrs.iter().find(|attr| attr.path().is_ident("deprecated"))?;
    let mut note = String::new();
    match &attr.meta {
        Meta::NameValue(pair) => {
            if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value {
                note = text.value();
            }
        }
        // The compiler reads this attribute too and reports mistakes inside.
        Meta::List(_) => {
            let _ = attr.parse_nested_meta(|meta| {
                let value: syn::LitStr = meta.value()?.parse()?;
                if meta.path.is_ident("note") {
                    note = value.value();
                }
                Ok(())
            });
        }
        Meta::Path(_) => {}
    }
    Some(note)
}

/// Returns the `#[cfg(..)]` attributes, which the code generated for the item must carry too.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect()
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn tokens(attrs: &[Attribute]) -> String {
        docs(attrs).to_token_stream().to_string()
    }

    #[test]
    fn lines_are_joined_without_the_space_of_the_comment() {
        let attrs: Vec<Attribute> = vec![
            parse_quote!(#[doc = " First."]),
            parse_quote!(#[doc = ""]),
            parse_quote!(#[doc = "   indented "]),
        ];
        assert_eq!(tokens(&attrs), r#""First.\n\n  indented""#);
        assert_eq!(tokens(&[]), r#""""#);
    }

    #[test]
    fn included_text_is_left_to_the_compiler() {
        let attrs: Vec<Attribute> =
            vec![parse_quote!(#[doc = " First."]), parse_quote!(#[doc = include_str!("a.md")])];
        assert_eq!(tokens(&attrs), r#":: core :: concat ! ("First.\n" , include_str ! ("a.md") , "")"#);
    }

    #[test]
    fn deprecation_has_a_note_or_not() {
        let note = |attr: Attribute| deprecated(&[attr]);
        assert_eq!(note(parse_quote!(#[deprecated])), Some(String::new()));
        assert_eq!(note(parse_quote!(#[deprecated = "old"])), Some("old".to_owned()));
        assert_eq!(note(parse_quote!(#[deprecated(since = "1", note = "old")])), Some("old".to_owned()));
        assert_eq!(note(parse_quote!(#[inline])), None);
    }
}
