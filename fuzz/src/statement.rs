//! Checks the parser of `sql!`.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use rusqlite::Connection;

thread_local! {
    static DATABASE: Connection = {
        let database = Connection::open_in_memory().expect("a database in memory");
        database.execute_batch("CREATE TABLE t (a, b, c)").expect("a table");
        database
    };
}

/// Checks that a text becomes an expression or an error. If SQLite accepts the statement, the number of its
/// parameters must equal the number of bound values, so that no part of the text was misread.
pub fn statement(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let literal = TokenStream::from(proc_macro2::TokenTree::from(Literal::string(text)));
    let expanded = crate::sql::expand(quote!(cx, #literal));
    let expression: syn::Expr = syn::parse2(expanded).expect("an expansion is an expression");
    let Some((statement, bound)) = taken_apart(&expression) else { return };
    DATABASE.with(|database| {
        if let Ok(prepared) = database.prepare(&statement) {
            assert_eq!(prepared.parameter_count(), bound, "{text} became {statement}");
        }
    });
}

/// Returns the statement and the number of bound values in `(cx).sql().statement("..").bind(..)...fetch()`.
fn taken_apart(expression: &syn::Expr) -> Option<(String, usize)> {
    let mut bound = 0;
    let mut at = expression;
    while let syn::Expr::MethodCall(call) = at {
        match call.method.to_string().as_str() {
            "bind" => bound += 1,
            "statement" => {
                let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = call.args.first()? else {
                    return None;
                };
                return Some((text.value(), bound));
            }
            _ => {}
        }
        at = &call.receiver;
    }
    None
}
