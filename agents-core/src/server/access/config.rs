//! Who may reach agents, as a program says it.

use std::sync::Arc;

use crate::agent::{Agent, ConnectRequest, Refusal};
use crate::auth::{Admission, AdmissionRequest};
use crate::error::Result;
use crate::object::BoxFuture;
use crate::server::Agents;
use crate::server::access::origins::Origins;
use crate::server::access::proxies::Proxies;
use crate::server::access::routes::{NamedRoute, NamedRoutes};

/// The function that is asked about everybody.
pub(in crate::server) type Hook =
    Box<dyn Fn(AdmissionRequest) -> BoxFuture<'static, Result<Admission, Refusal>> + Send + Sync>;

/// Who may come in, and where.
#[derive(Default)]
pub(in crate::server) struct Access {
    pub(in crate::server) cors: bool,
    pub(in crate::server) origins: Origins,
    /// The trusted proxies as the program names them, and as they are read at the start.
    pub(in crate::server) trusted: Vec<String>,
    pub(in crate::server) proxies: Proxies,
    pub(in crate::server) hook: Option<Hook>,
    pub(in crate::server) routes: NamedRoutes,
    /// Whether a handshake is refused with a plain status.
    pub(in crate::server) plain_refusals: bool,
}

/// Finds the name of the agent for a request; an `async fn(ConnectRequest) -> Result<String, Refusal>` is
/// one, and so is an async closure.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not find the name of an agent",
    note = "write `async |request: ConnectRequest| -> Result<String, Refusal> {{ .. }}`, or name an `async fn`",
    note = "an async closure may not use what it captures by reference: clone it into a `move |request| async move {{ .. }}`"
)]
pub trait ResolveName: Send + Sync + 'static {
    /// Finds the name.
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

/// Who may come in.
impl Agents {
    /// Asks a function about everybody who wants to reach an agent: WebSocket handshakes and HTTP
    /// requests of all classes, before the agent wakes.
    ///
    /// It answers with an [`Admission`], or `()` to let it pass, or with a [`Refusal`]. A refused
    /// connection is closed with the refusal's code behind the handshake, a refused request gets its
    /// status. An error of another kind and a panic refuse with 4500 and an error id; so does the time
    /// limit, [`Limits::handshake_timeout`](crate::Limits) (503 over HTTP). It is not asked about preflights
    /// that [`cors`](Self::cors) answers, nor about other routes of the program. A second call takes the
    /// place of the first.
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
    /// A closure does as well: `.authorize(async |incoming: AdmissionRequest| { .. })`. It may not use by reference
    /// what it captures; what it needs comes from [`env`](AdmissionRequest::env), or is cloned into
    /// `move |incoming| { let db = db.clone(); async move { .. } }`.
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

    /// Serves agents of a class on a path without a name in it: the function says which agent a
    /// request is for, from a session or a token.
    ///
    /// It holds for the path and everything below it, WebSockets and HTTP alike; a longer path goes
    /// before a shorter one, and both go before [`routes`](Self::routes). The npm client reaches it with
    /// `basePath`, and learns the name in the identity frame. The function shares the 10 s of
    /// [`authorize`](Self::authorize), which is asked after it, with the name that it found. For the name
    /// holds what [`Admission::named`] says.
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
    /// The class can still be reached by name under `/agents`, which is what a client asks for who guesses
    /// the name of somebody else. Where names are not for choosing, refuse those arrivals; without
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
    /// [`start`](Self::start) fails with the code `route` when the class is not registered, or the path
    /// is not `/` and segments of letters, digits, `-`, `_`, `.` and `~`, lies below `/agents`, or is
    /// given twice.
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

    /// Answers handshakes that the host itself refuses with a plain HTTP status instead of accepting
    /// and closing them. Off by default.
    ///
    /// Proxies and clients that are no browsers understand it better; the npm client does not: it tries
    /// again for ever. It holds for what is known before the agent is asked (class, name, origin,
    /// [`authorize`](Self::authorize), [`route_to`](Self::route_to)), and not for what an agent decides.
    #[must_use]
    pub fn refuse_handshakes(mut self, refuse: bool) -> Self {
        self.access.plain_refusals = refuse;
        self
    }

    /// Lets pages of other origins send HTTP requests to agents, with any header: of the [`origins`](Self::origins) that
    /// are allowed, cookies included, or of any when there is no list, then without cookies. Off by default.
    #[must_use]
    pub fn cors(mut self, cors: bool) -> Self {
        self.access.cors = cors;
        self
    }

    /// Lets only pages of these origins reach agents, for example `https://app.example`.
    ///
    /// Browsers send a page's origin with every handshake, and cookies too, so without a list any page
    /// can open a socket in the name of its visitor. Clients that are no browsers always pass. A foreign
    /// page's socket is closed with 4403, its request answered 403.
    ///
    /// Pages of this server itself pass, too, whatever the scheme, when the header `Host` has an address, `localhost`, or
    /// the host of an origin on the list. Any other name may belong to a stranger who lets it lead here, so put
    /// the public origin of this server on the list; behind a proxy that changes `Host` as well. A plain `GET` over HTTP without TLS
    /// does not say that it comes from a page: what must not be read goes behind TLS or a token.
    ///
    /// [`start`](Self::start) fails with the code `origin` when one is not a scheme and a host, perhaps
    /// with a port. [`run`](Self::run) takes `--origin` in the place of this list.
    #[must_use]
    pub fn origins(mut self, origins: impl IntoIterator<Item: Into<String>>) -> Self {
        self.access.origins = Origins::only(origins.into_iter().map(Into::into));
        self
    }

    /// Trusts proxies, as addresses or networks, to tell in `X-Forwarded-For` whom they speak for.
    ///
    /// The client is the last address in that header which is none of these; the header of any other peer
    /// is passed over, since anybody can send one. It is what limits for an address count, and what
    /// [`ConnectRequest::client_ip`](crate::ConnectRequest::client_ip) returns. Without a list it is the
    /// peer.
    ///
    /// ```
    /// use agents_core::Agents;
    ///
    /// let agents = Agents::new().trusted_proxies(["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);
    /// # let _ = agents;
    /// ```
    ///
    /// [`start`](Self::start) fails with the code `trusted_proxies` when one is no address.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item: Into<String>>) -> Self {
        self.access.trusted = proxies.into_iter().map(Into::into).collect();
        self
    }
}
