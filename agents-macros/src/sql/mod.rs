//! `sql!`: one statement, its values bound; and `migrations!`: a list of statements without values.

mod kind;
mod literal;
pub(crate) mod migrations;
mod scan;
mod value;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::{Expr, Lit, LitStr, Result, Token};

use crate::errors::Errors;
use kind::Kind;
use literal::LiteralSpan;

/// The context and the statement.
struct Input {
    context: Expr,
    statement: LitStr,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let usage = "write `sql!(cx, \"SELECT .. WHERE id = {id}\")`";
        if input.is_empty() {
            return Err(input.error(usage));
        }
        let context: Expr = input.parse()?;
        if input.is_empty() && matches!(context, Expr::Lit(_)) {
            return Err(syn::Error::new_spanned(context, format!("the context is missing: {usage}")));
        }
        if input.is_empty() {
            return Err(syn::Error::new_spanned(context, format!("the statement is missing: {usage}")));
        }
        input.parse::<Token![,]>()?;
        if input.is_empty() {
            return Err(syn::Error::new_spanned(context, format!("the statement is missing: {usage}")));
        }
        let statement: Expr = input.parse()?;
        let statement = match unwrap(statement) {
            Expr::Lit(literal) => match literal.lit {
                Lit::Str(text) => text,
                other => {
                    return Err(syn::Error::new_spanned(other, format!("the statement is text: {usage}")));
                }
            },
            other => {
                return Err(syn::Error::new_spanned(
                    other,
                    "the statement must be a string literal, so that no value can be spliced into it: put values in braces, \
                     or use `cx.sql()` for a statement made at run time",
                ));
            }
        };
        let comma: Option<Token![,]> = input.parse()?;
        if !input.is_empty() {
            let rest: TokenStream = input.parse()?;
            let why = if comma.is_some() {
                "values are part of the statement: write `{value}` where it belongs"
            } else {
                "nothing may follow the statement"
            };
            return Err(syn::Error::new_spanned(rest, why));
        }
        Ok(Self { context, statement })
    }
}

/// Removes the invisible groups around literals that come through `macro_rules`.
fn unwrap(expression: Expr) -> Expr {
    match expression {
        Expr::Group(group) => unwrap(*group.expr),
        other => other,
    }
}

/// Expands `sql!(..)`.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let input: Input = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let expansion = statement(&input, &mut errors);
    match expansion {
        Some(expansion) if errors.is_empty() => expansion,
        // A value of any type, so that the use of the result gives no further error.
        _ => {
            let errors = errors.to_compile_errors();
            quote!({ #errors ::core::unreachable!() })
        }
    }
}

fn statement(input: &Input, errors: &mut Errors) -> Option<TokenStream> {
    let text = input.statement.value();
    let literal = LiteralSpan::new(&input.statement);
    let scanned = match scan::scan(&text) {
        Ok(scanned) => scanned,
        Err(mistake) => {
            errors.at_span(literal.span(mistake.range.clone()), mistake.message);
            return None;
        }
    };
    let kind = match kind::kind(&scanned.words) {
        Ok(kind) => kind,
        Err(why) => {
            errors.at_span(literal.span(0..text.len()), why);
            return None;
        }
    };
    let mut bindings = Vec::new();
    for placeholder in &scanned.placeholders {
        let span = literal.span(placeholder.range.clone());
        match value::parse(&placeholder.source, span) {
            // The parentheses belong to the expansion, so the user's lints do not apply to them.
            Ok(value) => bindings.push(quote_spanned!(span=> .bind(&(#value)))),
            Err(error) => errors.push(error),
        }
    }
    let context = &input.context;
    let statement = LitStr::new(&scanned.statement, input.statement.span());
    let verb = Span::mixed_site().located_at(input.statement.span());
    let finish = match kind {
        Kind::Query => quote!(.fetch()),
        // A write through a `View` is reported at the statement.
        Kind::Change => quote_spanned!(verb=> .writing().fetch()),
        Kind::Run => quote_spanned!(verb=> .run()),
    };
    Some(quote!((#context).sql().statement(#statement) #(#bindings)* #finish))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(input: TokenStream) -> String {
        expand(input).to_string()
    }

    #[test]
    fn values_are_bound_in_order() {
        assert_eq!(
            expanded(quote!(cx, "SELECT a FROM t WHERE b = {post.body} LIMIT {limit.unwrap_or(20)}",)),
            quote!(
                (cx).sql()
                    .statement("SELECT a FROM t WHERE b = ?1 LIMIT ?2")
                    .bind(&(post.body))
                    .bind(&(limit.unwrap_or(20)))
                    .fetch()
            )
            .to_string()
        );
        assert_eq!(
            expanded(quote!(self.cx(), "DELETE FROM t WHERE a = '{{}}';")),
            quote!((self.cx()).sql().statement("DELETE FROM t WHERE a = '{}';").run()).to_string()
        );
    }

    #[test]
    fn what_is_not_a_statement_is_told() {
        for (input, expected) in [
            (quote!(), "write `sql!"),
            (quote!(cx), "the statement is missing"),
            (quote!(cx,), "the statement is missing"),
            (quote!("SELECT 1"), "the context is missing"),
            (quote!(cx, 1), "the statement is text"),
            (quote!(cx, format!("SELECT {x}")), "no value can be spliced"),
            (quote!(cx, "SELECT ?", x), "values are part of the statement"),
            (quote!(cx, "SELECT '{x}'"), "would not be bound"),
            (quote!(cx, "SELECT {x:?}"), "has no format"),
            (quote!(cx, ""), "no statement"),
        ] {
            let expanded = expanded(input);
            assert!(
                expanded.contains("compile_error") && expanded.contains(expected),
                "{expected}: {expanded}"
            );
        }
    }
}
