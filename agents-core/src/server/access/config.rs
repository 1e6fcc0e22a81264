//! The configuration of access to agents.

use std::sync::Arc;

use crate::agent::{Agent, ConnectRequest, Refusal};
use crate::auth::{Admission, AdmissionRequest};
use crate::error::Result;
use crate::object::BoxFuture;
use crate::server::Agents;
use crate::server::access::origins::Origins;
use crate::server::access::proxies::Proxies;
use crate::server::access::routes::{NamedRoute, NamedRoutes};

/// The function that is asked about every request.
pub(in crate::server) type Hook =
    Box<dyn Fn(AdmissionRequest) -> BoxFuture<'static, Result<Admission, Refusal>> + Send + Sync>;

/// The rules for access, and the paths of agents.
pub(in crate::server) struct Access {
    pub(in crate::server) cors: bool,
    pub(in crate::server) origins: Origins,
    /// The trusted proxies as the program names them; they are parsed at the start.
    pub(in crate::server) trusted: Vec<String>,
    pub(in crate::server) proxies: Proxies,
    pub(in crate::server) hook: Option<Hook>,
    pub(in crate::server) routes: NamedRoutes,
    /// `true` if a handshake is refused with a plain HTTP status.
    pub(in crate::server) plain_refusals: bool,
    /// `true` if clients read which classes and methods exist when they name another one.
    pub(in crate::server) hints: bool,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            cors: false,
            origins: Origins::default(),
            trusted: Vec::new(),
            proxies: Proxies::default(),
            hook: None,
            routes: NamedRoutes::default(),
            plain_refusals: false,
            hints: cfg!(debug_assertions),
        }
    }
}

/// A function that finds the name of the agent for a request. An
/// `async fn(ConnectRequest) -> Result<String, Refusal>` implements this trait, and so does an async closure.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a function that finds the name of an agent",
    note = "write `async |request: ConnectRequest| -> Result<String, Refusal> {{ .. }}`, or pass an `async fn`",
    note = "an async closure may not use what it captures by reference: clone it into a `move |request| async move {{ .. }}`"
)]
pub trait ResolveName: Send + Sync + 'static {
    /// Returns the name of the agent.
    fn find(&self, request: ConnectRequest) -> impl Future<Output = Result<String, Refusal>> + Send;
}

impl<F, Found> ResolveName for F
where
    F: Fn(ConnectRequest) -> Found + Send + Sync + 'static,
    Found: Future<Output = Result<String, Refusal>> + Send,
{
    fn find(&self, request: ConnectRequest) -> impl Future<Output = Result<String, Refusal>> + Send {
        self(request)
    }
}

/// The options that decide who reaches the agents.
impl Agents {
    /// Sets a function that decides about every request to an agent: WebSocket handshakes and HTTP
    /// requests of all classes, before the agent wakes.
    ///
    /// The function returns an [`Admission`], or `()` to admit the request, or a [`Refusal`]. A refused
    /// connection is closed with the refusal's code after the handshake, and a refused HTTP request gets its
    /// status. `?` makes a refusal of any error: of a visible one with its [status](crate::Error::status), and
    /// of a hidden one with 4500 and an error id, as of a panic. A function that exceeds
    /// [`Limits::handshake_timeout`](crate::Limits) refuses with 4503 (503 over HTTP). The function is not asked
    /// about preflights that [`cors`](Self::cors) answers, nor about other routes of the program. A second
    /// call replaces the function of the first.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// use agents_core::{Admission, Agents, AdmissionRequest, Refusal};
    /// use agents_core::serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Serialize, Deserialize)]
    /// # #[serde(crate = "agents_core::serde")]
    /// struct User {
    ///     id: u64,
    ///     admin: bool,
    /// }
    ///
    /// type Sessions = HashMap<String, User>;
    ///
    /// async fn authorize(incoming: AdmissionRequest) -> Result<Admission, Refusal> {
    ///     if incoming.class() == "lobby" {
    ///         return Ok(Admission::pass());
    ///     }
    ///     let request = incoming.request();
    ///     let session = request.cookie("session").filter(|_| request.is_same_site());
    ///     let sessions = incoming.env::<Sessions>()?;
    ///     let user = session.and_then(|session| sessions.get(session));
    ///     match user.ok_or_else(|| Refusal::unauthorized("log in first"))? {
    ///         // The agent reads it with `request.identity::<User>()?`.
    ///         user if user.admin || incoming.class() != "admin" => Ok(Admission::pass().identity(user)?),
    ///         _ => Err(Refusal::forbidden("for administrators")),
    ///     }
    /// }
    ///
    /// let agents = Agents::new().env(Sessions::new()).authorize(authorize);
    /// # let _ = agents;
    /// ```
    ///
    /// A closure works too: `.authorize(async |incoming: AdmissionRequest| { .. })`. It may not use its
    /// captures by reference. The values that it needs come from [`env`](AdmissionRequest::env), or are
    /// cloned into `move |incoming| { let db = db.clone(); async move { .. } }`.
    #[must_use]
    pub fn authorize<F, Decision, T>(mut self, hook: F) -> Self
    where
        F: Fn(AdmissionRequest) -> Decision + Send + Sync + 'static,
        Decision: Future<Output = Result<T, Refusal>> + Send + 'static,
        T: Into<Admission>,
    {
        self.access.hook = Some(Box::new(move |incoming| {
            let decision = hook(incoming);
            Box::pin(async move { decision.await.map(Into::into) })
        }));
        self
    }

    /// Serves agents of a class on a path without a name in it. The function returns the name of the agent
    /// that a request is for, for example from a session or a token.
    ///
    /// The route covers the path and everything below it, for WebSockets and HTTP. A longer path has
    /// precedence over a shorter one, and both over [`routes`](Self::routes). The npm client connects to it
    /// with `basePath`, and receives the name in the identity frame. The function shares the time limit of
    /// [`authorize`](Self::authorize) (10 s by default), which is asked afterwards, with the name that was
    /// found. The rules of [`Admission::named`] apply to the name.
    ///
    /// ```
    /// use agents_core::{Agents, ConnectRequest, Refusal};
    ///
    /// // Agents::new().register::<Account>().route_to::<Account>("/user", session_user)
    /// async fn session_user(request: ConnectRequest) -> Result<String, Refusal> {
    ///     match request.cookie("session").filter(|_| request.is_same_site()) {
    ///         Some("c0ffee") => Ok("ada".to_owned()),
    ///         _ => Err(Refusal::unauthorized("log in first")),
    ///     }
    /// }
    /// # let _ = session_user;
    /// ```
    ///
    /// The class can still be reached by name under `/agents`, so a client can ask there for the agent of
    /// another user whose name it guesses. If clients must not choose names, refuse those requests. Without
    /// `authorize` the host warns at its start:
    ///
    /// ```
    /// use agents_core::{Agents, AdmissionRequest, Refusal};
    ///
    /// let agents = Agents::new().authorize(async |incoming: AdmissionRequest| match incoming.class() {
    ///     "account" if incoming.named_by_client() => Err(Refusal::not_found("no such agent")),
    ///     _ => Ok(()),
    /// });
    /// # let _ = agents;
    /// ```
    ///
    /// [`start`](Self::start) fails with the code `route` when the class is not registered, or when the path
    /// is invalid. A valid path is `/` and segments of letters, digits, `-`, `_`, `.` and `~`, does not lie
    /// below `/agents`, and is given once.
    #[must_use]
    pub fn route_to<A: Agent>(self, path: impl Into<String>, name: impl ResolveName) -> Self {
        self.route_to_object(path, A::ROUTE, name)
    }

    /// Serves objects of a class on a path without a name in it, as [`route_to`](Self::route_to) does
    /// for agents. The class is named as in [`register_object`](Self::register_object).
    #[must_use]
    pub fn route_to_object(
        mut self,
        path: impl Into<String>,
        class: impl Into<String>,
        name: impl ResolveName,
    ) -> Self {
        let name = Arc::new(name);
        let find = Box::new(move |request| -> BoxFuture<'static, _> {
            let name = name.clone();
            Box::pin(async move { name.find(request).await })
        });
        self.access.routes.add(NamedRoute { path: path.into(), class: class.into(), find });
        self
    }

    /// Sets whether handshakes that the host itself refuses are answered with a plain HTTP status, instead of
    /// being accepted and closed. Off by default.
    ///
    /// Proxies and clients other than browsers handle a status better. The npm client does not: it
    /// retries forever. The setting applies to refusals before the agent is asked (class, name, origin,
    /// [`authorize`](Self::authorize), [`route_to`](Self::route_to)), and not to refusals by an agent.
    #[must_use]
    pub fn refuse_handshakes(mut self, refuse: bool) -> Self {
        self.access.plain_refusals = refuse;
        self
    }

    /// Sets whether clients learn from a refusal what exists: on in debug builds, off in release builds.
    ///
    /// With hints, the refusal of an unknown class has the names of the classes, that of a path that leads to
    /// no agent has the form of the right one, and that of an unknown method has the method of a similar name.
    /// A WebSocket to a path that leads to no agent is then accepted and closed with 4404, because a page cannot
    /// read the answer to a refused handshake. Without hints, clients read only that there is no such thing.
    /// The log has the names in both cases: at the level `warn` with hints, and `debug` without.
    #[must_use]
    pub fn hints(mut self, hints: bool) -> Self {
        self.access.hints = hints;
        self
    }

    /// Sets whether pages of other origins may send HTTP requests to agents, with any header. Off by default.
    /// With a list of [`origins`](Self::origins), these origins are allowed, and cookies are included.
    /// Without a list, any origin is allowed, without cookies.
    #[must_use]
    pub fn cors(mut self, cors: bool) -> Self {
        self.access.cors = cors;
        self
    }

    /// Sets the origins whose pages may reach agents, for example `https://app.example`.
    ///
    /// Browsers send a page's origin with every handshake, and cookies too. Without a list, any page can
    /// therefore open a socket on behalf of its visitor. Clients that are not browsers always pass. The
    /// socket of a foreign page is closed with 4403, and its HTTP request is answered with 403.
    ///
    /// Pages of this server itself pass too, with any scheme, if the header `Host` has an address,
    /// `localhost`, or the host of an origin on the list. A third party may own any other name and let it
    /// resolve to this server, so put the public origin of this server on the list; do the same behind a
    /// proxy that changes `Host`. A plain `GET` over HTTP without TLS does not show that it comes from a
    /// page: protect private data with TLS or a token.
    ///
    /// [`start`](Self::start) fails with the code `origin` when an entry is not a scheme and a host,
    /// optionally with a port. The option `--origin` of [`run`](Self::run) replaces this list.
    #[must_use]
    pub fn origins(mut self, origins: impl IntoIterator<Item: Into<String>>) -> Self {
        self.access.origins = Origins::only(origins.into_iter().map(Into::into));
        self
    }

    /// Sets the proxies, as addresses or networks, whose header `X-Forwarded-For` is trusted.
    ///
    /// The client is the last address in that header that is not one of these proxies. The header of any
    /// other peer is ignored, since any client can send one. The limits per address count this address, and
    /// [`ConnectRequest::client_ip`](crate::ConnectRequest::client_ip) returns it. Without a list, the client
    /// is the peer.
    ///
    /// ```
    /// use agents_core::Agents;
    ///
    /// let agents = Agents::new().trusted_proxies(["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);
    /// # let _ = agents;
    /// ```
    ///
    /// [`start`](Self::start) fails with the code `trusted_proxies` when an entry is not an address or a
    /// network.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item: Into<String>>) -> Self {
        self.access.trusted = proxies.into_iter().map(Into::into).collect();
        self
    }
}
