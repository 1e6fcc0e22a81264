//! Keys that sign sessions, and the signed text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::error::{Error, Result};

/// The minimum length of a key in bytes: the length of the hash.
const MIN_KEY: usize = 32;

/// A secret that signs sessions with HMAC-SHA256.
#[derive(Clone)]
pub(super) struct SessionKey(Hmac<Sha256>);

/// The signed content of a cookie.
#[derive(Serialize, Deserialize)]
#[serde(crate = "serde")]
struct Content<C> {
    /// The first second in which the session is no longer valid, since 1970.
    expires: u64,
    identity: C,
}

/// The reason for which a text is not a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Invalid {
    /// No key has signed the text under this name.
    Unsigned,
    Expired,
    /// The text is signed, and its identity has another type.
    Form,
}

impl SessionKey {
    /// Makes a key.
    ///
    /// # Errors
    /// With the code `session_key` when the secret has fewer than 32 bytes.
    pub(super) fn new(secret: &[u8]) -> Result<Self> {
        let key = Hmac::new_from_slice(secret).ok().filter(|_| secret.len() >= MIN_KEY);
        key.map(Self)
            .ok_or_else(|| Error::new("session_key", "a key for sessions must have at least 32 bytes"))
    }

    /// Returns the text of a session that ends after a time, for the cookie of this name.
    ///
    /// # Errors
    /// When the identity has no JSON form.
    pub(super) fn sign<C: Serialize>(&self, name: &str, identity: &C, lifetime: Duration) -> Result<String> {
        let expires = now()?.saturating_add(lifetime.as_secs());
        let content = serde_json::to_vec(&Content { expires, identity }).map_err(Error::not_json)?;
        let mut text = BASE64URL_NOPAD.encode(&content);
        let tag = self.mac(name, &text).finalize().into_bytes();
        text.push('.');
        BASE64URL_NOPAD.encode_append(&tag, &mut text);
        Ok(text)
    }

    /// The name is signed as well, so that the value of one cookie is worth nothing in another one.
    fn mac(&self, name: &str, content: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(name.as_bytes());
        mac.update(b"=");
        mac.update(content.as_bytes());
        mac
    }
}

/// Returns the identity in the text of a session that one of the keys has signed.
pub(super) fn open<C: DeserializeOwned>(
    keys: &[SessionKey],
    name: &str,
    text: &str,
) -> std::result::Result<C, Invalid> {
    let (content, tag) = text.split_once('.').ok_or(Invalid::Unsigned)?;
    let tag = BASE64URL_NOPAD.decode(tag.as_bytes()).map_err(|_| Invalid::Unsigned)?;
    // The comparison takes the same time for all tags.
    if !keys.iter().any(|key| key.mac(name, content).verify_slice(&tag).is_ok()) {
        return Err(Invalid::Unsigned);
    }
    let content = BASE64URL_NOPAD.decode(content.as_bytes()).map_err(|_| Invalid::Form)?;
    // The expiry is read first: an old session may have an identity of an older form.
    let Content { expires, identity }: Content<serde_json::Value> =
        serde_json::from_slice(&content).map_err(|_| Invalid::Form)?;
    if now().map_or(true, |now| now >= expires) {
        return Err(Invalid::Expired);
    }
    serde_json::from_value(identity).map_err(|_| Invalid::Form)
}

fn now() -> Result<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(now.map_err(|error| Error::hidden("clock", error))?.as_secs())
}
