//! Logins that are kept in a signed cookie.

use std::any::type_name;
use std::fmt;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::agent::{ConnectRequest, Refusal};
use crate::auth::session_key::{Invalid, SessionKey, open};
use crate::auth::{Admission, AdmissionRequest, SetCookie};
use crate::error::{Error, Result};
use crate::support::sampled::sampled;
use crate::wire::close_code;

/// The maximum length in bytes of a cookie with its name and attributes; browsers drop longer ones.
const MAX_COOKIE: usize = 4096;
/// The prefix of a name that only this host can set, over TLS, for all paths. A page of another subdomain
/// cannot put a cookie of its own in its place.
const HOST_PREFIX: &str = "__Host-";

/// The logins of a site: a signed cookie in the browser holds the identity of its user. Cheap to clone.
///
/// `C` is the type of the identity: any type that serde writes and reads. The cookie is signed with
/// HMAC-SHA256 and not encrypted, so its user can read the identity and cannot change it. The end of the
/// session is in the signed part. The server stores nothing, so a session cannot be taken back before its
/// end.
///
/// The cookie is `HttpOnly` and `SameSite=Lax`, for all paths. Its name is `__Host-session` with `Secure`, so
/// browsers send it over TLS only and accept it from this host only. A request to a local host (`localhost`,
/// `127.0.0.1`, `[::1]`) gets the name `session` without `Secure`, since there is no TLS. A proxy must pass
/// the header `Host` on.
///
/// ```
/// use std::time::Duration;
///
/// use agents_core::auth::Sessions;
/// use agents_core::axum::response::{IntoResponse, Redirect};
/// use agents_core::axum::{Form, Router, extract::State, routing::post};
/// use agents_core::serde::{Deserialize, Serialize};
/// use agents_core::{Agents, ConnectRequest, Refusal};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// # #[serde(crate = "agents_core::serde")]
/// struct User {
///     name: String,
/// }
///
/// /// Handles `POST /login`.
/// async fn login(
///     State(sessions): State<Sessions<User>>,
///     request: ConnectRequest,
///     Form(user): Form<User>,
/// ) -> Result<impl IntoResponse, Refusal> {
///     // Check a password here.
///     let cookie = sessions.set(&request, &user, Duration::from_secs(24 * 60 * 60))?;
///     Ok((cookie, Redirect::to("/")))
/// }
///
/// # fn main() -> agents_core::Result<()> {
/// let sessions = Sessions::<User>::new(["32 bytes or more, from a safe place"])?;
/// let routes = Router::new().route("/login", post(login)).with_state(sessions.clone());
/// // Agents read the user with `request.identity::<User>()`.
/// let agents = Agents::new().authorize(sessions.required()).routes(routes);
/// # let _ = agents;
/// # Ok(())
/// # }
/// ```
///
/// Browsers send cookies with the requests of any page. So a session counts only in a request that [a foreign
/// page cannot have made](ConnectRequest::is_same_site), and only such a request sets or removes it.
/// Otherwise the refusal is 4403.
pub struct Sessions<C> {
    inner: Arc<Inner>,
    identity: PhantomData<fn() -> C>,
}

#[derive(Clone)]
struct Inner {
    /// The first key signs; all keys verify.
    keys: Vec<SessionKey>,
    name: String,
}

impl<C> Sessions<C> {
    /// Returns sessions that are signed with the first of these keys. Sessions that another of the keys has
    /// signed are valid, too.
    ///
    /// To change the key, put a new one in front and remove the old one after the longest lifetime of a
    /// session: `Sessions::new(std::env::var("SESSION_KEYS")?.split(','))`.
    ///
    /// # Errors
    /// With the code `session_key` when there is no key, or a key has fewer than 32 bytes.
    pub fn new<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Result<Self> {
        let keys = keys.into_iter().map(|key| SessionKey::new(key.as_ref())).collect::<Result<Vec<_>>>()?;
        if keys.is_empty() {
            return Err(Error::new("session_key", "sessions need a key"));
        }
        let inner = Inner { keys, name: "session".to_owned() };
        Ok(Self { inner: Arc::new(inner), identity: PhantomData })
    }

    /// Returns sessions with a random key, for tests and demonstrations. They are valid until the program
    /// ends.
    ///
    /// # Errors
    /// As [`new`](Self::new), which does not happen.
    pub fn random() -> Result<Self> {
        // 43 characters of a set of 64 have more than 256 bits.
        Self::new([nanoid::nanoid!(43)])
    }

    /// Sets the name of the cookie, `session` by default. Programs that share a host need different names.
    ///
    /// # Errors
    /// With the code `session_cookie` when a character is not a letter, a digit, `-`, `_` or `.`.
    pub fn cookie_name(mut self, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let sound = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(sound) {
            return Err(Error::new("session_cookie", format!("`{name}` cannot be the name of a cookie")));
        }
        Arc::make_mut(&mut self.inner).name = name;
        Ok(self)
    }

    /// Returns the cookie that ends the session of this browser.
    ///
    /// # Errors
    /// 4403 when a foreign page may have made the request.
    pub fn clear(&self, request: &ConnectRequest) -> Result<SetCookie, Refusal> {
        self.cookie(request, "", Duration::ZERO)
    }

    fn cookie(&self, request: &ConnectRequest, text: &str, age: Duration) -> Result<SetCookie, Refusal> {
        if !request.is_same_site() {
            return Err(Refusal::forbidden("a foreign page cannot log in or out"));
        }
        let Inner { name, .. } = &*self.inner;
        let (prefix, secure) = match request.is_local() {
            true => ("", ""),
            false => (HOST_PREFIX, "; Secure"),
        };
        if !secure.is_empty() && request.is_plain_page() {
            sampled!(
                WARN,
                "sessions over plain HTTP",
                "a login over plain HTTP: the browser drops its cookie, which is for TLS only except at a local host"
            );
        }
        let age = age.as_secs();
        let cookie = format!("{prefix}{name}={text}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
        if cookie.len() > MAX_COOKIE {
            return Err(Error::hidden(
                "session_size",
                "the cookie of a session must not exceed 4,096 bytes",
            ))?;
        }
        let value = HeaderValue::try_from(cookie).map_err(|error| Error::hidden("session_cookie", error))?;
        Ok(SetCookie::new(value))
    }
}

impl<C: Serialize> Sessions<C> {
    /// Begins a session of a lifetime in whole seconds: returns the cookie for the response. A new session
    /// replaces the one before.
    ///
    /// Browsers keep a cookie for at most 400 days.
    ///
    /// # Errors
    /// 4403 when a foreign page may have made the request: it could otherwise log its visitor in as another
    /// user. 4500 when the identity has no JSON form, or the cookie exceeds 4,096 bytes.
    pub fn set(
        &self,
        request: &ConnectRequest,
        identity: &C,
        lifetime: Duration,
    ) -> Result<SetCookie, Refusal> {
        let Inner { keys, name } = &*self.inner;
        let text = keys[0].sign(name, identity, lifetime)?;
        self.cookie(request, &text, lifetime)
    }
}

impl<C: DeserializeOwned> Sessions<C> {
    /// Returns the identity of the session of a request.
    ///
    /// # Errors
    /// 4401 when there is no session, or the session has expired or is not valid; the reason names the case.
    /// 4403 when there is a session and a foreign page may have made the request.
    pub fn verify(&self, request: &ConnectRequest) -> Result<C, Refusal> {
        let Inner { keys, name } = &*self.inner;
        let secure = request.cookie(&format!("{HOST_PREFIX}{name}"));
        // Without TLS another subdomain could have set the plain cookie.
        let cookie = secure.or_else(|| request.cookie(name).filter(|_| request.is_local()));
        let text =
            cookie.filter(|text| !text.is_empty()).ok_or_else(|| Refusal::unauthorized("log in first"))?;
        if !request.is_same_site() {
            return Err(Refusal::forbidden("a cookie is not accepted from a foreign page"));
        }
        open(keys, name, text).map_err(|invalid| {
            let reason = match invalid {
                Invalid::Expired => "the session has expired",
                Invalid::Unsigned => "the session is not valid",
                Invalid::Form => {
                    // The signature is valid, so the program expects another identity. It is not logged.
                    let expected = type_name::<C>();
                    sampled!(
                        WARN,
                        "sessions of another form",
                        expected,
                        "a valid session has another identity"
                    );
                    "the session is not valid"
                }
            };
            Refusal::unauthorized(reason)
        })
    }

    /// Returns the identity of the session of a request; `None` without a valid session.
    ///
    /// Browsers send an old cookie by themselves, so a session that has expired or is not valid is not an
    /// error here.
    ///
    /// # Errors
    /// 4403 when there is a session and a foreign page may have made the request.
    pub fn verify_if_given(&self, request: &ConnectRequest) -> Result<Option<C>, Refusal> {
        match self.verify(request) {
            Ok(identity) => Ok(Some(identity)),
            Err(refusal) if refusal.code() == close_code::UNAUTHORIZED => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }
}

impl<C: DeserializeOwned + Serialize + 'static> Sessions<C> {
    /// Returns a hook for [`Agents::authorize`](crate::Agents::authorize) that admits clients with a valid
    /// session. Agents read the identity with [`ConnectRequest::identity`].
    pub fn required(
        &self,
    ) -> impl Fn(AdmissionRequest) -> Ready<Result<Admission, Refusal>> + Send + Sync + 'static + use<C> {
        let sessions = self.clone();
        move |incoming| {
            let identity = sessions.verify(incoming.request());
            ready(identity.and_then(|identity| Ok(Admission::pass().identity(&identity)?)))
        }
    }

    /// Returns a hook as [`required`](Self::required) does, which also admits clients without a valid
    /// session, without an identity.
    pub fn optional(
        &self,
    ) -> impl Fn(AdmissionRequest) -> Ready<Result<Admission, Refusal>> + Send + Sync + 'static + use<C> {
        let sessions = self.clone();
        move |incoming| {
            let identity = sessions.verify_if_given(incoming.request());
            ready(identity.and_then(|identity| match identity {
                Some(identity) => Ok(Admission::pass().identity(&identity)?),
                None => Ok(Admission::pass()),
            }))
        }
    }
}

impl<C> Clone for Sessions<C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), identity: PhantomData }
    }
}

impl<C> fmt::Debug for Sessions<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { keys, name } = &*self.inner;
        f.debug_struct("Sessions").field("keys", &keys.len()).field("cookie", name).finish_non_exhaustive()
    }
}
