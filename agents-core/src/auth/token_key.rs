//! Keys of tokens, each with the one algorithm that it is for.

use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

use crate::error::{Error, Result};

/// The fewest bytes of a secret: as many as the hash has.
const MIN_SECRET: usize = 32;
/// The fewest bytes of an RSA key: 2,048 bits and a little around them.
const MIN_RSA: usize = 256;

/// A key and what it is for.
///
/// A token names an algorithm itself; only the one of the key is believed, so that nobody can sign with a
/// public key as if it were a secret.
#[derive(Clone)]
pub(super) struct TokenKey {
    pub(super) algorithm: Algorithm,
    pub(super) verify: DecodingKey,
    /// Only a secret signs.
    pub(super) sign: Option<EncodingKey>,
}

impl TokenKey {
    pub(super) fn secret(secret: &[u8]) -> Result<Self> {
        if secret.len() < MIN_SECRET {
            return wrong("a secret for tokens has at least 32 bytes");
        }
        let key = Self::checked(Algorithm::HS256, DecodingKey::from_secret(secret))?;
        Ok(Self { sign: Some(EncodingKey::from_secret(secret)), ..key })
    }

    pub(super) fn pem(algorithm: Algorithm, pem: &[u8]) -> Result<Self> {
        let parse = match algorithm {
            Algorithm::RS256 => DecodingKey::from_rsa_pem,
            Algorithm::ES256 => DecodingKey::from_ec_pem,
            _ => DecodingKey::from_ed_pem,
        };
        let public = !pem.windows(7).any(|part| part == b"PRIVATE");
        let Some(key) = parse(pem).ok().filter(|_| public) else {
            return wrong(match algorithm {
                Algorithm::RS256 => "this is not the PEM of a public RSA key",
                Algorithm::ES256 => "this is not the PEM of a public P-256 key",
                _ => "this is not the PEM of a public Ed25519 key",
            });
        };
        if algorithm == Algorithm::RS256 && key.try_get_as_bytes().map_or(0, <[u8]>::len) < MIN_RSA {
            return wrong("an RSA key for tokens has at least 2,048 bits");
        }
        Self::checked(algorithm, key)
    }

    fn checked(algorithm: Algorithm, verify: DecodingKey) -> Result<Self> {
        // When another crate turns on a second backend, neither is the default any more and every use
        // would panic. A program that has installed one keeps it.
        let _ = DEFAULT_PROVIDER.install_default();
        if (DEFAULT_PROVIDER.verifier_factory)(&algorithm, &verify).is_err() {
            return wrong("the key does not fit its algorithm");
        }
        Ok(Self { algorithm, verify, sign: None })
    }
}

fn wrong<T>(message: &'static str) -> Result<T> {
    Err(Error::new("token_key", message))
}
