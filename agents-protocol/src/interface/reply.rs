//! The return types of callables. They are recognised by a trait, not by the spelling of the type.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::wire::Describe;
use crate::wire::{self, Wire};

/// The answer of a callable.
#[derive(Debug)]
pub enum Outcome {
    /// An empty answer, without the key `result`.
    Nothing,
    /// A value as JSON.
    Value(String),
}

/// A type that a callable may return: a wire value, a static text, or a `Result` of one of these.
#[diagnostic::on_unimplemented(
    message = "a callable cannot return `{Self}`",
    label = "not an answer",
    note = "return a wire value (put `#[wire]` on your own types), nothing, or a `Result` of these",
    note = "the error of a `Result` is anything that converts into `agents::Error`"
)]
pub trait Reply {
    /// The type that the caller receives when the call succeeds.
    type Value: Wire;

    /// The description of the value for TypeScript.
    #[doc(hidden)]
    const DESCRIBE: Describe;

    /// Encodes the value.
    ///
    /// # Errors
    /// Fails with the error of the callable, or with `not_json` when the value has no JSON form, such as NaN.
    fn into_outcome(self) -> Result<Outcome>;
}

impl<T: Wire> Reply for T {
    type Value = T;

    const DESCRIBE: Describe = T::describe;

    fn into_outcome(self) -> Result<Outcome> {
        if T::IS_UNIT {
            return Ok(Outcome::Nothing);
        }
        Ok(Outcome::Value(wire::to_json(&self).map_err(Error::not_json)?))
    }
}

impl<T: Wire, E: Into<Error>> Reply for Result<T, E> {
    type Value = T;

    const DESCRIBE: Describe = T::describe;

    fn into_outcome(self) -> Result<Outcome> {
        self.map_err(Into::into)?.into_outcome()
    }
}

/// Implements `Reply` for static texts. They can be answers although they cannot be deserialised.
macro_rules! texts {
    ($($text:ty => $value:ty, $written:expr;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl Reply for $text {
            type Value = $value;

            const DESCRIBE: Describe = <$value as Wire>::describe;

            fn into_outcome(self) -> Result<Outcome> {
                ($written)(self).into_outcome()
            }
        }

        #[diagnostic::do_not_recommend]
        impl<E: Into<Error>> Reply for Result<$text, E> {
            type Value = $value;

            const DESCRIBE: Describe = <$value as Wire>::describe;

            fn into_outcome(self) -> Result<Outcome> {
                self.map_err(Into::into)?.into_outcome()
            }
        }
    )*};
}

texts! {
    &'static str => String, Cow::<'static, str>::Borrowed;
    Option<&'static str> => Option<String>, |text: Option<&'static str>| text.map(Cow::Borrowed);
    Vec<&'static str> => Vec<String>,
        |texts: Vec<&'static str>| texts.into_iter().map(Cow::Borrowed).collect::<Vec<_>>();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_a_form_is_an_error_that_names_its_place() {
        for outcome in
            [vec![(1.0, f64::NAN)].into_outcome(), Ok::<_, Error>(vec![(1.0, f64::NAN)]).into_outcome()]
        {
            let error = outcome.unwrap_err();
            assert_eq!((error.code(), error.client_message()), ("not_json", None));
            assert_eq!(error.to_string(), "`[0][1]`: JSON has no number NaN");
        }
    }
}
