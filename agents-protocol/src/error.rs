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
///
/// Each of the constructors [`invalid`](Self::invalid), [`unauthorized`](Self::unauthorized),
/// [`forbidden`](Self::forbidden), [`not_found`](Self::not_found), [`conflict`](Self::conflict),
/// [`too_large`](Self::too_large), [`too_many`](Self::too_many) and [`unavailable`](Self::unavailable) makes a
/// visible error with its name as the code and with an HTTP status of its own.
///
/// As a response to an HTTP request, an error has the status of its code and a body in JSON with the code and
/// the message: `{"code":"not_found","message":"there is no such order"}`. The status of any other visible
/// error is 400. A hidden error is logged and answered with 500, and its body has the id of the log line:
/// `{"code":"internal","message":"Internal error (id x7k2mq9f3d)","id":"x7k2mq9f3d"}`.
pub struct Error(Box<Inner>);

struct Inner {
    code: &'static str,
    message: Cow<'static, str>,
    audience: Audience,
    source: Option<Source>,
}

/// The readers of an error's text.
enum Audience {
    /// Only the log.
    Program,
    /// The caller, too.
    Client,
    /// The caller, too. The text stands for a hidden error that another agent has logged with this id.
    Logged(String),
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
        Self::build(code, message.into(), Audience::Client, None)
    }

    /// Makes a visible error with the code `invalid`: the request makes no sense. Status 400.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("invalid", message)
    }

    /// Makes a visible error with the code `unauthorized`: the client did not say who it is. Status 401.
    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("unauthorized", message)
    }

    /// Makes a visible error with the code `forbidden`: the client is known, and not allowed. Status 403.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("forbidden", message)
    }

    /// Makes a visible error with the code `not_found`: the target does not exist. Status 404.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("not_found", message)
    }

    /// Makes a visible error with the code `conflict`: the request does not fit the present state. Status 409.
    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("conflict", message)
    }

    /// Makes a visible error with the code `too_large`: the request has too many bytes. Status 413.
    pub fn too_large(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("too_large", message)
    }

    /// Makes a visible error with the code `too_many`: the client does this too often. Status 429.
    pub fn too_many(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("too_many", message)
    }

    /// Makes a visible error with the code `unavailable`: a later try may succeed. Status 503.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("unavailable", message)
    }

    /// Wraps an error whose text stays in the log, with the code `internal`. `?` does the same.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::hidden("internal", source)
    }

    /// Wraps an error whose text stays in the log, with a code that programs may test.
    pub fn hidden(code: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = source.into();
        Self::build(code, Cow::Owned(source.to_string()), Audience::Program, Some(source))
    }

    /// Makes the error for a value that has to be stored or sent and has no JSON form.
    #[doc(hidden)]
    pub fn not_json(source: serde_json::Error) -> Self {
        Self::hidden("not_json", source)
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
        self.0.audience = Audience::Client;
        self
    }

    /// Returns the stable code for programs: `error`, `internal`, `readonly`, `invalid_argument` …
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// Returns the text that a client may read, or `None` for a hidden error.
    pub fn client_message(&self) -> Option<&str> {
        match self.0.audience {
            Audience::Program => None,
            Audience::Client | Audience::Logged(_) => Some(&self.0.message),
        }
    }

    /// Returns the id of the log line in which another agent has logged the hidden error that this one stands
    /// for.
    #[doc(hidden)]
    pub fn logged_id(&self) -> Option<&str> {
        match &self.0.audience {
            Audience::Logged(id) => Some(id),
            _ => None,
        }
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

    /// Makes the error of a call to another agent that answered with an error; the id is that of the log line
    /// if the error was hidden.
    #[doc(hidden)]
    pub fn crossed(code: &str, message: String, id: Option<String>) -> Self {
        let audience = id.map_or(Audience::Client, Audience::Logged);
        Self::build(kept(code), Cow::Owned(message), audience, None)
    }

    fn build(
        code: &'static str,
        message: Cow<'static, str>,
        audience: Audience,
        source: Option<Source>,
    ) -> Self {
        Self(Box::new(Inner { code, message, audience, source }))
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

/// An [`Error`] as a standard error, for code that takes `Box<dyn Error>`.
#[derive(Debug)]
struct Boxed(Error);

impl fmt::Display for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// `Error` shows its causes itself, so there is no source.
impl StdError for Boxed {}

/// Converts for functions that return `Box<dyn Error>`, and for bodies and streams such as
/// `axum::body::Body::from_stream`.
impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
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
    fn an_error_passes_through_functions_that_box_errors() {
        fn boxed() -> Result<(), Box<dyn StdError>> {
            Err(Error::not_found("no such file"))?
        }
        let error = boxed().unwrap_err();
        assert_eq!((error.to_string().as_str(), error.source().is_none()), ("no such file", true));
        let sent: Box<dyn StdError + Send + Sync> = Error::internal(std::io::Error::other("disk")).into();
        assert_eq!(sent.to_string(), "disk");
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
