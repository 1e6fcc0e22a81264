//! Tests of whole expansions.

mod agent;
mod wire;

use super::*;

pub(super) fn agent(args: TokenStream, item: TokenStream) -> TokenStream {
    super::agent(args, item, Side::Server)
}

pub(super) fn wire(args: TokenStream, item: TokenStream) -> TokenStream {
    super::wire(args, item, Side::Server)
}

pub(super) fn text(tokens: TokenStream) -> String {
    // Two closing brackets may or may not be joined, so the text is normalised.
    tokens.to_string().replace("> >", ">>").replace("< <", "<<")
}

/// Returns the messages of an expansion, in order.
pub(super) fn messages(expansion: &str) -> Vec<&str> {
    expansion.split("compile_error ! { \"").skip(1).filter_map(|rest| rest.split("\" }").next()).collect()
}
