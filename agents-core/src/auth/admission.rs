//! What the host's hook answers to somebody who may come in.

use std::sync::Arc;

use serde::Serialize;

use crate::error::{Error, Result};

/// The most bytes of an identity as JSON: what fits the state of a connection as well.
const MAX_IDENTITY: usize = 16 * 1024;

/// How somebody is let in.
///
/// `Ok(())` is enough where nothing is to be said: it converts into [`Admission::pass`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Admission {
    pub(crate) name: Option<String>,
    pub(crate) identity: Option<Arc<str>>,
}

impl Admission {
    /// Lets it pass, to the agent that it asked for.
    pub fn pass() -> Self {
        Self::default()
    }

    /// Leads it to the agent of another name, of the same class.
    ///
    /// The name is plain text. What cannot stand in a path is percent-encoded, and `%` too, so two
    /// different names are two agents; `"Ada L"` is the agent at `/agents/room/Ada%20L`. Too long a
    /// name (`Limits::name_bytes`) is refused with 4400. Clients learn the name in the identity frame.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Tells the agent who this is, with [`ConnectRequest::identity`](crate::ConnectRequest::identity).
    /// It crosses to the agent as JSON.
    ///
    /// # Errors
    /// When the value has no JSON form, or one of more than 16 KiB.
    pub fn identity<T: Serialize + ?Sized>(mut self, identity: &T) -> Result<Self> {
        let json = serde_json::to_string(identity)?;
        if json.len() > MAX_IDENTITY {
            return Err(Error::hidden("identity_size", "an identity has at most 16 KiB as JSON"));
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
        assert_eq!(Admission::from(()), Admission::pass());
    }
}
