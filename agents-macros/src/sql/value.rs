//! The Rust expression between the braces.

use std::str::FromStr;

use proc_macro2::{Delimiter, Group, Spacing, Span, TokenStream, TokenTree};
use syn::{Error, Expr, Result};

/// Parses the text between two braces; every token gets the place of the literal.
pub(crate) fn parse(source: &str, span: Span) -> Result<Expr> {
    let shown = source.trim();
    let Ok(tokens) = TokenStream::from_str(source) else {
        return Err(Error::new(
            span,
            format!("`{{{shown}}}` is not Rust: write an expression between the braces"),
        ));
    };
    let tokens = at(tokens, span);
    match syn::parse2::<Expr>(tokens.clone()) {
        Ok(expression) => Ok(expression),
        Err(_) if has_format(tokens) => Err(Error::new(
            span,
            format!("`{{{shown}}}`: a bound value has no format. Write the value alone, without `:`"),
        )),
        Err(error) => Err(Error::new(span, format!("`{{{shown}}}` is not an expression: {error}"))),
    }
}

fn at(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| {
            let mut token = match token {
                TokenTree::Group(group) => {
                    TokenTree::Group(Group::new(group.delimiter(), at(group.stream(), span)))
                }
                other => other,
            };
            token.set_span(span);
            token
        })
        .collect()
}

/// Returns whether a single colon is outside of brackets, as in `{value:?}`.
fn has_format(tokens: TokenStream) -> bool {
    let mut after_joint_colon = false;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ':' => {
                let path = punct.spacing() == Spacing::Joint
                    && matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == ':');
                if !path && !after_joint_colon {
                    return true;
                }
                after_joint_colon = path;
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                if has_format(group.stream()) {
                    return true;
                }
                after_joint_colon = false;
            }
            _ => after_joint_colon = false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(source: &str) -> String {
        parse(source, Span::call_site()).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn expressions() {
        for source in ["a", " a.b ", "a::<B>(1)", "if a { 1 } else { 2 }", "|x: u8| x", "&a[..]"] {
            assert_eq!(message(source), "", "{source}");
        }
    }

    #[test]
    fn what_is_not_one() {
        assert!(message("x:?").contains("has no format"));
        assert!(message("a.b:>8").contains("has no format"));
        assert!(message("a b").contains("is not an expression"));
        assert!(message("a::").contains("is not an expression"));
        assert!(message("\"").contains("is not Rust"));
    }
}
