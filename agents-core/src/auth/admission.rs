//! The decision of the host's hook to admit a request.

use std::sync::Arc;

use serde::Serialize;

use crate::error::{Error, Result};

/// The maximum size of an identity as JSON in bytes, which also fits the state of a connection.
const MAX_IDENTITY: usize = 16 * 1024;

/// The admission of a request: the agent that it goes to, and the identity of the client.
///
/// A hook may return `Ok(())` if it sets neither: `()` converts into [`Admission::pass`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Admission {
    pub(crate) name: Option<String>,
    pub(crate) identity: Option<Arc<str>>,
}

impl Admission {
    /// Returns an admission to the agent that the request asked for.
    pub fn pass() -> Self {
        Self::default()
    }

    /// Sends the request to the agent of another name, of the same class.
    ///
    /// The name is plain text. Characters that a path cannot contain are percent-encoded, and so is `%`, so
    /// two different names are two agents; `"Ada L"` is the agent at `/agents/room/Ada%20L`. A name longer
    /// than `Limits::name_bytes` is refused with 4400. Clients receive the name in the identity frame.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Gives the agent the identity of the client, which it reads with
    /// [`ConnectRequest::identity`](crate::ConnectRequest::identity). The identity is passed as JSON.
    ///
    /// # Errors
    /// `not_json` when the value has no JSON form, `identity_size` when that form has more than 16 KiB.
    pub fn identity<T: Serialize + ?Sized>(mut self, identity: &T) -> Result<Self> {
        let json = serde_json::to_string(identity).map_err(Error::not_json)?;
        if json.len() > MAX_IDENTITY {
            return Err(Error::hidden("identity_size", "an identity must not exceed 16 KiB as JSON"));
        }
        self.identity = Some(json.into());
        Ok(self)
    }
}

impl From<()> for Admission {
    fn from((): ()) -> Self {
        Self::pass()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_has_a_limit() {
        let admission = Admission::pass().identity("ada").unwrap();
        assert_eq!(admission.identity.as_deref(), Some(r#""ada""#));
        assert!(Admission::pass().identity(&"x".repeat(MAX_IDENTITY - 2)).is_ok());
        assert!(Admission::pass().identity(&"x".repeat(MAX_IDENTITY - 1)).is_err());
        let no_json = std::collections::HashMap::from([((1, 2), 3)]);
        assert_eq!(Admission::pass().identity(&no_json).unwrap_err().code(), "not_json");
        assert_eq!(Admission::from(()), Admission::pass());
    }
}
