//! The options of `#[callable(..)]`.

use syn::{Attribute, Meta};

use super::Keys;
use crate::errors::Errors;

/// What `#[callable(..)]` says.
#[derive(Clone, Copy, Default)]
pub(crate) struct CallableOptions {
    pub(crate) write: bool,
    pub(crate) exclusive: bool,
}

impl CallableOptions {
    pub(crate) fn parse(attr: &Attribute, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        let mut keys = Keys::new("#[callable]", &["write", "exclusive"]);
        let list = match &attr.meta {
            Meta::Path(_) => return options,
            Meta::List(list) => list,
            Meta::NameValue(pair) => {
                errors.at(pair, "write `#[callable]` or `#[callable(write, exclusive)]`");
                return options;
            }
        };
        let read = list.parse_nested_meta(|meta| {
            if let Some(why) = meta.path.get_ident().and_then(|key| elsewhere(&key.to_string())) {
                errors.at(&meta.path, why);
                return super::skip_value(meta.input);
            }
            match keys.next(&meta, errors)?.as_deref() {
                Some("write") => options.write = true,
                Some("exclusive") => options.exclusive = true,
                _ => {}
            }
            if meta.input.is_empty() || meta.input.peek(syn::Token![,]) {
                return Ok(());
            }
            errors.at(&meta.path, "this option has no value: naming it turns it on");
            super::skip_value(meta.input)
        });
        if let Err(error) = read {
            errors.push(error);
        }
        options
    }
}

/// Options that the reference has and that are said in another way here.
fn elsewhere(key: &str) -> Option<&'static str> {
    match key {
        "description" => Some("the description is the doc comment: write `/// ..` above the method"),
        "streaming" => Some(
            "streaming shows in the signature: take `out: &StreamingResponse<T>` or return `impl Stream<Item = T>`",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn flags_and_what_is_not_one() {
        let mut errors = Errors::default();
        let options = CallableOptions::parse(&parse_quote!(#[callable(write, exclusive)]), &mut errors);
        assert!(options.write && options.exclusive && errors.is_empty());

        CallableOptions::parse(
            &parse_quote!(#[callable(wirte, write = true, write, streaming = true)]),
            &mut errors,
        );
        let found = errors.messages();
        assert_eq!(found.len(), 4, "{found:#?}");
        assert!(found[0].contains("did you mean `write`?"));
    }
}
