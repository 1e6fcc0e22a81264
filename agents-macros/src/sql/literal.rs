//! Places inside a string literal.

use std::ops::Range;

use proc_macro2::{Literal, Span};
use syn::LitStr;

/// Finds the source of a part of the text, as far as the compiler lets a macro know it.
pub(crate) struct Place {
    token: Literal,
    /// How many bytes stand before the text, if the text stands in the source as it is.
    before: Option<usize>,
    whole: Span,
}

impl Place {
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

    /// The span of a part of the text; of the whole literal where parts have none.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        self.before
            .and_then(|before| self.token.subspan(before + range.start..before + range.end))
            .unwrap_or(self.whole)
    }
}
