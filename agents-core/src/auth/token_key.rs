//! Keys of tokens, each with its one algorithm.

use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

use crate::error::{Error, Result};

/// The minimum length of a secret in bytes: the length of the hash.
const MIN_SECRET: usize = 32;
/// The minimum length of an RSA key in bytes: 2,048 bits and the encoding around them.
const MIN_RSA: usize = 256;

/// A key and its algorithm.
///
/// A token names an algorithm itself, but only the algorithm of the key is used. Otherwise a public key could
/// be used as a secret to sign a token.
#[derive(Clone)]
pub(super) struct TokenKey {
    pub(super) algorithm: Algorithm,
    pub(super) verify: DecodingKey,
    /// The key that signs; only a secret has one.
    pub(super) sign: Option<EncodingKey>,
}

impl TokenKey {
    pub(super) fn secret(secret: &[u8]) -> Result<Self> {
        if secret.len() < MIN_SECRET {
            return wrong("a secret for tokens must have at least 32 bytes");
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
            return wrong("an RSA key for tokens must have at least 2,048 bits");
        }
        Self::checked(algorithm, key)
    }

    fn checked(algorithm: Algorithm, verify: DecodingKey) -> Result<Self> {
        // If another crate enables a second backend, there is no default backend any more, and every use
        // would panic. A program that has installed a backend keeps it.
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
