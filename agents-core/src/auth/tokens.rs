//! Signed tokens (JWT): verified in every request, signed by login routes.

use std::any::type_name;
use std::fmt;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::{Error as TokenError, ErrorKind};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::agent::{ConnectRequest, Refusal};
use crate::auth::token_key::TokenKey;
use crate::auth::token_source::TokenSource;
use crate::auth::{Admission, AdmissionRequest};
use crate::error::{Error, Result};
use crate::support::sampled::sampled;

/// The maximum size of a token in bytes. A larger one is refused before its signature is computed.
const MAX_TOKEN: usize = 8 * 1024;
/// The default tolerance between the clocks of the signer and the verifier.
const LEEWAY: Duration = Duration::from_secs(30);
const MAX_LEEWAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A verifier and signer of the tokens (JWT) that clients send. Cheap to clone. It needs the
/// cargo feature `jwt`.
///
/// `C` is the type of your claims: any type that serde reads. Expiry (`exp`, required), start (`nbf`),
/// audience and issuer are checked here and need not be part of `C`. The key decides the algorithm; a token
/// that names another one is not valid.
///
/// A token is taken from `Authorization: Bearer`, otherwise from `?token=`. A cookie is used only if you
/// [configure one](Self::cookie). Browsers cannot set headers on a WebSocket, so they use the query. A proxy
/// may log the query, so give such a token a lifetime of minutes. Tokens are not logged here.
///
/// ```
/// use std::time::Duration;
///
/// use agents_core::auth::Tokens;
/// use agents_core::serde::{Deserialize, Serialize};
/// use agents_core::{ConnectRequest, Refusal};
///
/// #[derive(Serialize, Deserialize)]
/// # #[serde(crate = "agents_core::serde")]
/// struct User {
///     sub: String,
///     can_write: bool,
/// }
///
/// # fn main() -> agents_core::Result<()> {
/// let tokens = Tokens::<User>::hs256("32 bytes or more, from a safe place")?.audience("https://agents.example");
/// // A login route hands it out ..
/// let token = tokens.sign(&User { sub: "ada".into(), can_write: true }, Duration::from_secs(300))?;
/// // .. and the client comes with it.
/// let request = http::Request::get(format!("/agents/room/lobby?token={token}")).body(())?;
/// let user = tokens.verify(&ConnectRequest::from(&request)).expect("a good token");
/// assert_eq!(user.sub, "ada");
///
/// let request = http::Request::get("/agents/room/lobby").body(())?;
/// let refusal = tokens.verify(&ConnectRequest::from(&request)).err();
/// assert_eq!(refusal, Some(Refusal::unauthorized("a token is required")));
/// # Ok(())
/// # }
/// ```
///
/// Tokens are used in the host's hook, in a class's `authorize`, and in `on_request`. If every client needs a
/// token, `Agents::new().authorize(tokens.required())` is sufficient. While keys are exchanged, try both:
/// `new.verify(request).or_else(|_| old.verify(request))`.
pub struct Tokens<C> {
    inner: Arc<Inner>,
    claims: PhantomData<fn() -> C>,
}

#[derive(Clone)]
struct Inner {
    key: TokenKey,
    validation: Validation,
    source: TokenSource,
    /// The audience and issuer as they were given, because the validation keeps them in no order.
    audience: Option<String>,
    issuer: Option<String>,
}

impl<C> Tokens<C> {
    /// Returns tokens that are verified and signed with HMAC-SHA256 and a secret.
    ///
    /// # Errors
    /// With the code `token_key` when the secret has fewer than 32 bytes.
    pub fn hs256(secret: impl AsRef<[u8]>) -> Result<Self> {
        TokenKey::secret(secret.as_ref()).map(Self::new)
    }

    /// Returns tokens with a random secret, for tests and demonstrations. They are valid until the program
    /// ends.
    ///
    /// # Errors
    /// As [`hs256`](Self::hs256), which does not happen.
    pub fn random() -> Result<Self> {
        // 43 characters of a set of 64 have more than 256 bits.
        Self::hs256(nanoid::nanoid!(43))
    }

    /// Returns tokens that are verified with RSA (PKCS#1 v1.5, SHA-256) and a public key in PEM.
    ///
    /// # Errors
    /// With the code `token_key` when the PEM is not such a key, or the key has fewer than 2,048 bits.
    pub fn rs256(public_pem: impl AsRef<[u8]>) -> Result<Self> {
        TokenKey::pem(Algorithm::RS256, public_pem.as_ref()).map(Self::new)
    }

    /// Returns tokens that are verified with ECDSA (P-256, SHA-256) and a public key in PEM.
    ///
    /// # Errors
    /// With the code `token_key` when the PEM is not such a key.
    pub fn es256(public_pem: impl AsRef<[u8]>) -> Result<Self> {
        TokenKey::pem(Algorithm::ES256, public_pem.as_ref()).map(Self::new)
    }

    /// Returns tokens that are verified with Ed25519 and a public key in PEM.
    ///
    /// # Errors
    /// With the code `token_key` when the PEM is not such a key.
    pub fn eddsa(public_pem: impl AsRef<[u8]>) -> Result<Self> {
        TokenKey::pem(Algorithm::EdDSA, public_pem.as_ref()).map(Self::new)
    }

    fn new(key: TokenKey) -> Self {
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY.as_secs();
        validation.validate_nbf = true;
        let source = TokenSource::default();
        let inner = Inner { key, validation, source, audience: None, issuer: None };
        Self { inner: Arc::new(inner), claims: PhantomData }
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// Accepts only tokens for this audience (`aud`), which [`sign`](Self::sign) writes into tokens. Without
    /// an audience, a token that names one is refused.
    #[must_use]
    pub fn audience(self, audience: impl Into<String>) -> Self {
        self.with(|inner| {
            let audience = inner.audience.insert(audience.into());
            inner.validation.set_audience(&[audience.as_str()]);
            inner.validation.required_spec_claims.insert("aud".to_owned());
        })
    }

    /// Accepts only tokens of this issuer (`iss`), which [`sign`](Self::sign) writes into tokens. By default
    /// any issuer is accepted.
    #[must_use]
    pub fn issuer(self, issuer: impl Into<String>) -> Self {
        self.with(|inner| {
            let issuer = inner.issuer.insert(issuer.into());
            inner.validation.set_issuer(&[issuer.as_str()]);
            inner.validation.required_spec_claims.insert("iss".to_owned());
        })
    }

    /// Sets the tolerance between the clocks, 30 s by default and at most a day; fractions of a second are
    /// cut off.
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        self.with(|inner| inner.validation.leeway = leeway.min(MAX_LEEWAY).as_secs())
    }

    /// Accepts tokens without an expiry as well. Such a token is valid until the key changes.
    #[must_use]
    pub fn expiry_optional(self) -> Self {
        self.with(|inner| {
            inner.validation.required_spec_claims.remove("exp");
        })
    }

    /// Reads the token from this parameter of the query instead of `token`.
    #[must_use]
    pub fn query(self, parameter: impl Into<String>) -> Self {
        self.with(|inner| inner.source.query = Some(parameter.into()))
    }

    /// Ignores tokens in the query.
    #[must_use]
    pub fn without_query(self) -> Self {
        self.with(|inner| inner.source.query = None)
    }

    /// Reads the token from this cookie as well, after the header and the query.
    ///
    /// Browsers send cookies with the requests of any page. The cookie is therefore used only in a request
    /// that [a foreign page cannot have made](ConnectRequest::is_same_site); otherwise the refusal is 4403.
    #[must_use]
    pub fn cookie(self, name: impl Into<String>) -> Self {
        self.with(|inner| inner.source.cookie = Some(name.into()))
    }
}

impl<C: DeserializeOwned> Tokens<C> {
    /// Finds the token of a request and returns its claims.
    ///
    /// # Errors
    /// 4401 when there is no token, or the token is not valid, has expired or is for another audience; the
    /// reason names the case. 4403 when the token is in the cookie of a foreign page.
    pub fn verify(&self, request: &ConnectRequest) -> Result<C, Refusal> {
        let claims = self.verify_if_given(request)?;
        claims.ok_or_else(|| Refusal::unauthorized("a token is required"))
    }

    /// Finds the token of a request and returns its claims; returns `None` for a request without a token.
    ///
    /// # Errors
    /// As [`verify`](Self::verify): a token that is given must be valid.
    pub fn verify_if_given(&self, request: &ConnectRequest) -> Result<Option<C>, Refusal> {
        let token = self.inner.source.find(request)?;
        token.map(|token| self.verify_token(&token)).transpose()
    }

    /// Verifies a token that was received in another way, for example in a message.
    ///
    /// # Errors
    /// 4401 as [`verify`](Self::verify).
    pub fn verify_token(&self, token: &str) -> Result<C, Refusal> {
        let invalid = || Refusal::unauthorized("the token is not valid");
        if token.len() > MAX_TOKEN || !is_plain(token) {
            return Err(invalid());
        }
        let decoded = decode::<Value>(token, &self.inner.key.verify, &self.inner.validation);
        let claims = decoded.map_err(|error| refusal(&error).unwrap_or_else(invalid))?.claims;
        serde_json::from_value(claims).map_err(|_| {
            // The signature is valid, so the program expects other claims. Claims are not logged.
            sampled!(
                WARN,
                "tokens with other claims",
                "the claims of a valid token are not a `{}`",
                type_name::<C>()
            );
            invalid()
        })
    }
}

/// Returns the refusal for an error; `None` if the client learns only that the token is not valid.
fn refusal(error: &TokenError) -> Option<Refusal> {
    let reason = match error.kind() {
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token is not valid yet",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::InvalidIssuer => "the token is of another issuer",
        ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
            "aud" => "the token is for another audience",
            "iss" => "the token is of another issuer",
            "exp" => "the token does not expire",
            _ => return None,
        },
        _ => return None,
    };
    Some(Refusal::unauthorized(reason))
}

impl<C: DeserializeOwned + Serialize + 'static> Tokens<C> {
    /// Returns a hook for [`Agents::authorize`](crate::Agents::authorize) that admits clients with a valid
    /// token. Agents read the claims with [`ConnectRequest::identity`].
    pub fn required(
        &self,
    ) -> impl Fn(AdmissionRequest) -> Ready<Result<Admission, Refusal>> + Send + Sync + 'static + use<C> {
        let tokens = self.clone();
        move |incoming| {
            let claims = tokens.verify(incoming.request());
            ready(claims.and_then(|claims| Ok(Admission::pass().identity(&claims)?)))
        }
    }

    /// Returns a hook as [`required`](Self::required) does, which also admits clients without a token,
    /// without an identity. A client with an invalid token is refused.
    pub fn optional(
        &self,
    ) -> impl Fn(AdmissionRequest) -> Ready<Result<Admission, Refusal>> + Send + Sync + 'static + use<C> {
        let tokens = self.clone();
        move |incoming| {
            let claims = tokens.verify_if_given(incoming.request());
            ready(claims.and_then(|claims| match claims {
                Some(claims) => Ok(Admission::pass().identity(&claims)?),
                None => Ok(Admission::pass()),
            }))
        }
    }
}

impl<C: Serialize> Tokens<C> {
    /// Signs a token with a lifetime of whole seconds. The token has the time of its creation (`iat`), and
    /// the [`audience`](Self::audience) and [`issuer`](Self::issuer) if they are set. They replace such
    /// claims in `claims`.
    ///
    /// # Errors
    /// With the code `token_sign` when the key is a public one, or the claims are not a JSON object,
    /// `not_json` when the claims have no JSON form.
    pub fn sign(&self, claims: &C, lifetime: Duration) -> Result<String> {
        let Inner { key, audience, issuer, .. } = &*self.inner;
        let failed = |message: &'static str| Error::hidden("token_sign", message);
        let secret = key.sign.as_ref().ok_or_else(|| failed("a public key cannot sign a token"))?;
        let Value::Object(mut claims) = serde_json::to_value(claims).map_err(Error::not_json)? else {
            return Err(failed("the claims of a token must be a JSON object"));
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_err(|error| Error::hidden("clock", error))?.as_secs();
        let registered = [("aud", audience), ("iss", issuer)];
        claims.insert("iat".to_owned(), now.into());
        claims.insert("exp".to_owned(), now.saturating_add(lifetime.as_secs()).into());
        for (claim, value) in registered {
            if let Some(value) = value {
                claims.insert(claim.to_owned(), value.as_str().into());
            }
        }
        encode(&Header::new(key.algorithm), &claims, secret)
            .map_err(|error| Error::hidden("token_sign", error))
    }
}

/// Returns whether the header of a token demands no extensions; extensions are not supported.
fn is_plain(token: &str) -> bool {
    decode_header(token).is_ok_and(|header| header.crit.is_none())
}

impl<C> Clone for Tokens<C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), claims: PhantomData }
    }
}

impl<C> fmt::Debug for Tokens<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { key, source, audience, issuer, .. } = &*self.inner;
        f.debug_struct("Tokens")
            .field("algorithm", &key.algorithm)
            .field("audience", audience)
            .field("issuer", issuer)
            .field("source", source)
            .finish_non_exhaustive()
    }
}
