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
use crate::sampled::sampled;

/// The most bytes of a token. Signatures are not computed over more than that for a stranger.
const MAX_TOKEN: usize = 8 * 1024;
/// How far the clocks of whoever signs and whoever verifies may be apart.
const LEEWAY: Duration = Duration::from_secs(30);
const MAX_LEEWAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Verifies signed tokens (JWT) that clients send along, and signs some. Cheap to clone. It needs the
/// cargo feature `jwt`.
///
/// `C` is what your tokens claim: any type that serde reads. Expiry (`exp`, required), start (`nbf`), audience
/// and issuer are checked here and need not be in it. The key decides about the algorithm; a token that
/// names another one is not valid.
///
/// A token is taken from `Authorization: Bearer`, else from `?token=`, and from a cookie if you
/// [say so](Self::cookie). Browsers cannot set headers on a WebSocket: they use the query, where a token
/// may end up in the log of a proxy, so let it live for minutes. Tokens are not logged here.
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
/// It is used in the host's hook, in a class's `authorize`, and in `on_request`. When everybody needs a
/// token, `Agents::new().authorize(tokens.required())` is the whole of it. While keys are exchanged, ask both:
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
    /// As they were given, since the validation keeps them in no order.
    audience: Option<String>,
    issuer: Option<String>,
}

impl<C> Tokens<C> {
    /// Verifies and signs with HMAC-SHA256 and a secret.
    ///
    /// # Errors
    /// With the code `token_key` when the secret has less than 32 bytes.
    pub fn hs256(secret: impl AsRef<[u8]>) -> Result<Self> {
        TokenKey::secret(secret.as_ref()).map(Self::new)
    }

    /// Verifies and signs with a secret made by chance, for tests and demonstrations: its tokens are good until
    /// the program ends.
    ///
    /// # Errors
    /// As [`hs256`](Self::hs256), which does not happen.
    pub fn random() -> Result<Self> {
        // 64 signs to the power of 43 are more than 256 bits.
        Self::hs256(nanoid::nanoid!(43))
    }

    /// Verifies with RSA (PKCS#1 v1.5, SHA-256) and a public key in PEM.
    ///
    /// # Errors
    /// With the code `token_key` when it is no such key, or has less than 2,048 bits.
    pub fn rs256(public_pem: impl AsRef<[u8]>) -> Result<Self> {
        TokenKey::pem(Algorithm::RS256, public_pem.as_ref()).map(Self::new)
    }

    /// Verifies with ECDSA (P-256, SHA-256) and a public key in PEM.
    ///
    /// # Errors
    /// With the code `token_key` when it is no such key.
    pub fn es256(public_pem: impl AsRef<[u8]>) -> Result<Self> {
        TokenKey::pem(Algorithm::ES256, public_pem.as_ref()).map(Self::new)
    }

    /// Verifies with Ed25519 and a public key in PEM.
    ///
    /// # Errors
    /// With the code `token_key` when it is no such key.
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

    /// Takes only tokens for this audience (`aud`); [`sign`](Self::sign) writes it into them. Without one,
    /// tokens that name an audience are for somebody else.
    #[must_use]
    pub fn audience(self, audience: impl Into<String>) -> Self {
        self.with(|inner| {
            let audience = inner.audience.insert(audience.into());
            inner.validation.set_audience(&[audience.as_str()]);
            inner.validation.required_spec_claims.insert("aud".to_owned());
        })
    }

    /// Takes only tokens of this issuer (`iss`); [`sign`](Self::sign) writes it into them. Any by default.
    #[must_use]
    pub fn issuer(self, issuer: impl Into<String>) -> Self {
        self.with(|inner| {
            let issuer = inner.issuer.insert(issuer.into());
            inner.validation.set_issuer(&[issuer.as_str()]);
            inner.validation.required_spec_claims.insert("iss".to_owned());
        })
    }

    /// Sets how far the clocks may be apart, 30 s by default and at most a day; fractions of a second are
    /// cut off.
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        self.with(|inner| inner.validation.leeway = leeway.min(MAX_LEEWAY).as_secs())
    }

    /// Takes tokens without an expiry as well. Nothing but a new key ends them.
    #[must_use]
    pub fn expiry_optional(self) -> Self {
        self.with(|inner| {
            inner.validation.required_spec_claims.remove("exp");
        })
    }

    /// Looks in this parameter of the query instead of `token`.
    #[must_use]
    pub fn query(self, parameter: impl Into<String>) -> Self {
        self.with(|inner| inner.source.query = Some(parameter.into()))
    }

    /// Takes no token from the query.
    #[must_use]
    pub fn without_query(self) -> Self {
        self.with(|inner| inner.source.query = None)
    }

    /// Looks in this cookie as well, after the header and the query.
    ///
    /// Browsers send cookies for any page that asks, so it counts only in a request that
    /// [no foreign page can have made](ConnectRequest::is_same_site); else the refusal is 4403.
    #[must_use]
    pub fn cookie(self, name: impl Into<String>) -> Self {
        self.with(|inner| inner.source.cookie = Some(name.into()))
    }
}

impl<C: DeserializeOwned> Tokens<C> {
    /// Finds the token of a request and returns what it claims.
    ///
    /// # Errors
    /// 4401 when there is none, or it is not valid, has expired or is for another audience, with a reason
    /// that says which; 4403 when it is in the cookie of a foreign page.
    pub fn verify(&self, request: &ConnectRequest) -> Result<C, Refusal> {
        let claims = self.verify_if_given(request)?;
        claims.ok_or_else(|| Refusal::unauthorized("a token is required"))
    }

    /// As [`verify`](Self::verify), and `None` for a request without a token.
    ///
    /// # Errors
    /// As [`verify`](Self::verify): a token that is there has to be a good one.
    pub fn verify_if_given(&self, request: &ConnectRequest) -> Result<Option<C>, Refusal> {
        let token = self.inner.source.find(request)?;
        token.map(|token| self.verify_token(&token)).transpose()
    }

    /// Verifies a token that came in another way, for example in a message.
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
            // Well signed: it is the program that expects something else. Claims do not go into the log.
            sampled!(
                WARN,
                "tokens with other claims",
                "a good token does not claim what makes a `{}`",
                type_name::<C>()
            );
            invalid()
        })
    }
}

/// What is told of a token that is not taken; `None` when that it is not valid is all.
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
    /// Returns a hook for [`Agents::authorize`](crate::Agents::authorize) that lets in whoever has a
    /// token. Agents read what it claims with [`ConnectRequest::identity`].
    pub fn required(
        &self,
    ) -> impl Fn(AdmissionRequest) -> Ready<Result<Admission, Refusal>> + Send + Sync + 'static + use<C> {
        let tokens = self.clone();
        move |incoming| {
            let claims = tokens.verify(incoming.request());
            ready(claims.and_then(|claims| Ok(Admission::pass().identity(&claims)?)))
        }
    }

    /// As [`required`](Self::required), and lets in who has no token, without an identity. Who has one that is
    /// not valid is refused.
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
    /// Signs a token that lives for a time, of whole seconds. It says when it was made (`iat`), and for whom and by
    /// whom as [`audience`](Self::audience) and [`issuer`](Self::issuer) say; what the claims say of these is replaced.
    ///
    /// # Errors
    /// With the code `token_sign` when the key is a public one, or the claims are no JSON object.
    pub fn sign(&self, claims: &C, lifetime: Duration) -> Result<String> {
        let Inner { key, audience, issuer, .. } = &*self.inner;
        let failed = |message: &'static str| Error::hidden("token_sign", message);
        let secret = key.sign.as_ref().ok_or_else(|| failed("a public key signs nothing"))?;
        let Value::Object(mut claims) = serde_json::to_value(claims)? else {
            return Err(failed("the claims of a token are a JSON object"));
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let registered = [("aud", audience), ("iss", issuer)];
        claims.insert("iat".to_owned(), now.into());
        claims.insert("exp".to_owned(), now.saturating_add(lifetime.as_secs()).into());
        for (claim, value) in registered {
            if let Some(value) = value {
                claims.insert(claim.to_owned(), value.as_str().into());
            }
        }
        Ok(encode(&Header::new(key.algorithm), &claims, secret)?)
    }
}

/// Whether a token asks for nothing special in its header: extensions that have to be understood are not.
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
