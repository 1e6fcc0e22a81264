//! The error that user code returns. Clients see a part of it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::fmt::{self, Write};
use std::sync::{Mutex, PoisonError};

use crate::unwind::caught;

/// The result that handlers return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

/// An error with a stable code and the decision whether clients may read its text.
///
/// An error that is made from a text of the program ([`Error::msg`], [`Error::new`]) is *visible*: the text
/// reaches the caller. An error that is converted by `?` is *hidden*: the caller reads `Internal error` and
/// an id, and the log has the id and the whole chain of causes. So paths, SQL and secrets of libraries do not
/// leave the process by accident.
///
/// ```
/// use agents_protocol::Error;
///
/// let full = Error::msg("Game is full");
/// assert_eq!(full.client_message(), Some("Game is full"));
///
/// let io: Error = std::io::Error::other("/var/lib/secret").into();
/// assert_eq!(io.client_message(), None);
/// assert_eq!(io.code(), "internal");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    code: &'static str,
    message: Cow<'static, str>,
    visible: bool,
    source: Option<Source>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The source is a value of the user, and the runtime drops errors in many functions. The panic hook
        // has already printed a panic of the destructor.
        let source = self.source.take();
        let _ = caught(|| drop(source));
    }
}

impl Error {
    /// Makes an error whose text reaches the caller, with the code `error`.
    pub fn msg(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("error", message)
    }

    /// Makes an error whose text reaches the caller, with the given code.
    pub fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::build(code, message.into(), true, None)
    }

    /// Wraps an error whose text stays in the log, with the code `internal`. `?` does the same.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::hidden("internal", source)
    }

    /// Wraps an error whose text stays in the log, with a code that programs may test.
    pub fn hidden(code: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = source.into();
        Self::build(code, Cow::Owned(source.to_string()), false, Some(source))
    }

    /// Makes the text of this error visible to the caller.
    ///
    /// ```
    /// use agents_protocol::{Error, Result};
    ///
    /// fn parse(text: &str) -> Result<u32> {
    ///     text.parse().map_err(|error| Error::internal(error).visible())
    /// }
    /// assert_eq!(parse("x").unwrap_err().client_message(), Some("invalid digit found in string"));
    /// ```
    #[must_use]
    pub fn visible(mut self) -> Self {
        self.0.visible = true;
        self
    }

    /// Returns the stable code for programs: `error`, `internal`, `readonly`, `invalid_argument` …
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// Returns the text that a client may read, or `None` for a hidden error.
    pub fn client_message(&self) -> Option<&str> {
        self.0.visible.then_some(&*self.0.message)
    }

    /// Returns the error that this one was made from, if its type is `T`.
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        self.0.source.as_deref().and_then(|source| source.downcast_ref())
    }

    /// Returns the error that this one was made from, followed by the causes of that error.
    #[doc(hidden)]
    pub fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        let first = self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static));
        std::iter::successors(first, |&error| error.source())
    }

    /// Makes the error of a call to another agent that answered with an error.
    #[doc(hidden)]
    pub fn crossed(code: &str, message: String) -> Self {
        Self::build(kept(code), Cow::Owned(message), true, None)
    }

    fn build(code: &'static str, message: Cow<'static, str>, visible: bool, source: Option<Source>) -> Self {
        Self(Box::new(Inner { code, message, visible, source }))
    }
}

/// The largest number of codes of other agents that are kept. A program has a fixed number of codes in its
/// source, so correct programs stay below.
const KEPT_CODES: usize = 1_024;

/// Returns the same code with the lifetime of the process, or `error` when [`KEPT_CODES`] other codes are
/// kept.
fn kept(code: &str) -> &'static str {
    static CODES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut codes = CODES.lock().unwrap_or_else(PoisonError::into_inner);
    match codes.get(code) {
        Some(code) => code,
        None if codes.len() == KEPT_CODES => "error",
        None => {
            let code: &'static str = Box::leak(code.into());
            codes.insert(code);
            code
        }
    }
}

/// A type that `?` and `into()` convert into an [`Error`]: every type that implements [`std::error::Error`].
///
/// The trait gives the compiler's message about all other types its text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not convert into `agents::Error`",
    label = "not an error: write `Error::msg(..)` around a text, `Error::internal(..)` around another cause",
    note = "clients read the text of `Error::msg`; only the log has that of `Error::internal`"
)]
pub trait IntoError {
    /// Converts the value.
    fn into_error(self) -> Error;
}

#[diagnostic::do_not_recommend]
impl<E: StdError + Send + Sync + 'static> IntoError for E {
    fn into_error(self) -> Error {
        Error::internal(self)
    }
}

impl<E: IntoError> From<E> for Error {
    fn from(source: E) -> Self {
        source.into_error()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        // The message is the text of the first source, so only the causes below it are appended.
        let causes = || {
            let mut text = String::new();
            let mut cause = self.0.source.as_deref().and_then(StdError::source);
            while let Some(error) = cause {
                let _ = write!(text, ": {error}");
                cause = error.source();
            }
            text
        };
        // A panic in the text of a cause must not leave the code that logs an error.
        f.write_str(caught(causes).as_deref().unwrap_or(": a cause that panics"))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({})", self.0.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_mark_hides_and_visible_shows() {
        fn fails() -> Result<()> {
            Err(std::io::Error::other("disk at /secret"))?
        }
        let error = fails().unwrap_err();
        assert_eq!(error.client_message(), None);
        assert_eq!(error.visible().client_message(), Some("disk at /secret"));
    }

    #[test]
    fn a_source_that_panics_harms_no_error() {
        #[derive(Debug)]
        struct Rude;
        impl fmt::Display for Rude {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("in the text")
            }
        }
        impl StdError for Rude {}
        impl Drop for Rude {
            fn drop(&mut self) {
                panic!("in the drop")
            }
        }
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] Rude);
        let error = Error::from(Outer(Rude));
        assert_eq!(error.to_string(), "outer: a cause that panics");
    }

    #[test]
    fn display_tells_the_chain() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        let error = Error::from(Outer(std::io::Error::other("inner")));
        assert_eq!(error.to_string(), "outer: inner");
        assert!(error.downcast_ref::<Outer>().is_some());
    }
}
