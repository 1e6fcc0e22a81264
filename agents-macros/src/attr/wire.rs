//! The options of `#[wire(..)]`.

use proc_macro2::TokenStream;
use syn::LitStr;
use syn::parse::Parser;

use super::{Keys, Runtime};
use crate::errors::Errors;
use crate::names;

const CASES: [&str; 9] = [
    "camelCase",
    "snake_case",
    "PascalCase",
    "kebab-case",
    "lowercase",
    "UPPERCASE",
    "SCREAMING_SNAKE_CASE",
    "SCREAMING-KEBAB-CASE",
    "none",
];

/// The options of `#[wire(..)]`.
#[derive(Default)]
pub(crate) struct WireOptions {
    pub(crate) runtime: Runtime,
    pub(crate) rename_all: Option<LitStr>,
}

impl WireOptions {
    pub(crate) fn parse(args: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        let mut keys = Keys::new("#[wire]", &["rename_all", "crate"]);
        let parser = syn::meta::parser(|meta| {
            match keys.next(&meta, errors)?.as_deref() {
                Some("crate") => options.runtime = Runtime::parse(&meta)?,
                Some(_) => {
                    let case: LitStr = meta.value()?.parse()?;
                    if CASES.contains(&case.value().as_str()) {
                        options.rename_all = Some(case);
                    } else {
                        errors.at(case, format!("the allowed styles of names are {}", names::list(CASES)));
                    }
                }
                None => {}
            }
            Ok(())
        });
        if let Err(error) = parser.parse2(args) {
            errors.push(error);
        }
        options
    }
}
