//! The options of `#[callable(..)]`.

use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Error, LitStr, Meta, Result};

use super::Keys;
use crate::errors::Errors;

/// The options of `#[callable(..)]`.
#[derive(Clone, Default)]
pub(crate) struct CallableOptions {
    pub(crate) write: bool,
    /// The right that `has_right` is asked for; `"writable"` sets `write` instead.
    pub(crate) require: Option<LitStr>,
    pub(crate) exclusive: bool,
    /// `true` if other agents and the program may call the method, and clients may not.
    pub(crate) internal: bool,
}

impl CallableOptions {
    pub(crate) fn parse(attr: &Attribute, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        let mut keys = Keys::new("#[callable]", &["write", "require", "exclusive", "internal"]);
        let list = match &attr.meta {
            Meta::Path(_) => return options,
            Meta::List(list) => list,
            Meta::NameValue(pair) => {
                errors.at(pair, "write `#[callable]` or `#[callable(write, exclusive)]`");
                return options;
            }
        };
        let mut required = false;
        let read = list.parse_nested_meta(|meta| {
            if required && meta.path.is_ident("require") {
                let why = "one right is enough: name one that stands for both, and let `has_right` decide";
                errors.at(&meta.path, why);
                return super::skip_value(meta.input);
            }
            if let Some(why) = meta.path.get_ident().and_then(|key| elsewhere(&key.to_string())) {
                errors.at(&meta.path, why);
                return super::skip_value(meta.input);
            }
            match keys.next(&meta, errors)?.as_deref() {
                Some("write") => options.write = true,
                Some("exclusive") => options.exclusive = true,
                Some("internal") => options.internal = true,
                Some("require") => {
                    required = true;
                    return options.require(&meta, errors);
                }
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
        if options.internal && (options.write || options.require.is_some()) {
            let why = "an internal callable is for other agents, and `write` and `require` concern clients: remove one";
            errors.at(&attr.meta, why);
        }
        options
    }

    fn require(&mut self, meta: &ParseNestedMeta<'_>, errors: &mut Errors) -> Result<()> {
        let wrong = |span| Error::new(span, "name the right: write `require = \"editor\"`");
        let value = meta.value().map_err(|_| wrong(meta.path.span()))?;
        let right: LitStr = value.parse().map_err(|error: Error| wrong(error.span()))?;
        match right.value().as_str() {
            WRITABLE => self.write = true,
            text if text.trim().is_empty() => errors.push(wrong(right.span())),
            _ => self.require = Some(right),
        }
        Ok(())
    }
}

/// The right that the runtime itself checks.
const WRITABLE: &str = "writable";

/// Returns the form that an option of the npm package `agents` has here, if it has another form.
fn elsewhere(key: &str) -> Option<&'static str> {
    match key {
        "description" => Some("the description is the doc comment: write `/// ..` above the method"),
        "streaming" => Some(
            "the signature makes a method streaming: take `out: &StreamingResponse<T>` or return `impl Stream<Item = T>`",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn a_right_has_a_name_and_there_is_one() {
        let mut errors = Errors::default();
        let options = CallableOptions::parse(&parse_quote!(#[callable(require = "a b")]), &mut errors);
        assert_eq!(options.require.map(|right| right.value()).as_deref(), Some("a b"));
        let options = CallableOptions::parse(&parse_quote!(#[callable(require = "writable")]), &mut errors);
        assert!(options.write && options.require.is_none() && errors.is_empty());

        let twice = parse_quote!(#[callable(require = "a", require = "b", exclusive)]);
        let options = CallableOptions::parse(&twice, &mut errors);
        assert!(options.exclusive && options.require.is_some_and(|right| right.value() == "a"));
        CallableOptions::parse(&parse_quote!(#[callable(require = "")]), &mut errors);
        CallableOptions::parse(&parse_quote!(#[callable(require)]), &mut errors);
        CallableOptions::parse(&parse_quote!(#[callable(require = 1)]), &mut errors);
        let found = errors.messages();
        assert_eq!(found.len(), 4, "{found:#?}");
        assert!(found[0].contains("one right is enough"), "{found:#?}");
        assert!(found[1..].iter().all(|message| message.contains("name the right")), "{found:#?}");
    }

    #[test]
    fn flags_and_what_is_not_one() {
        let mut errors = Errors::default();
        let options = CallableOptions::parse(&parse_quote!(#[callable(write, exclusive)]), &mut errors);
        assert!(options.write && options.exclusive && errors.is_empty());

        let options = CallableOptions::parse(&parse_quote!(#[callable(internal, exclusive)]), &mut errors);
        assert!(options.internal && options.exclusive && errors.is_empty());
        CallableOptions::parse(&parse_quote!(#[callable(internal, write)]), &mut Errors::default());

        CallableOptions::parse(
            &parse_quote!(#[callable(wirte, write = true, write, streaming = true)]),
            &mut errors,
        );
        let found = errors.messages();
        assert_eq!(found.len(), 4, "{found:#?}");
        assert!(found[0].contains("did you mean `write`?"));
    }
}
