//! Places inside a string literal.

use std::ops::Range;

use proc_macro2::{Literal, Span};
use syn::LitStr;

/// A string literal whose parts have spans, as far as the compiler exposes the source to a macro.
pub(crate) struct LiteralSpan {
    token: Literal,
    /// The number of bytes before the text, if the text is in the source unchanged.
    before: Option<usize>,
    whole: Span,
}

impl LiteralSpan {
    pub(crate) fn new(literal: &LitStr) -> Self {
        let token = literal.token();
        let source = token.to_string();
        let text = literal.value();
        let before = source
            .find('"')
            .map(|quote| quote + 1)
            .filter(|start| source.get(*start..*start + text.len()) == Some(text.as_str()));
        Self { token, before, whole: literal.span() }
    }

    /// Returns the span of a part of the text, or of the whole literal if parts have none.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        self.before
            .and_then(|before| self.token.subspan(before + range.start..before + range.end))
            .unwrap_or(self.whole)
    }
}
