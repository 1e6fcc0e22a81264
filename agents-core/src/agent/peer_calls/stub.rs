//! The stub of another agent.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http_body_util::BodyExt;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::agent::peer_calls::call_chain::CallChain;
use crate::agent::peer_calls::call_head::{CallHead, CallerLink};
use crate::agent::peer_calls::reply_frame::{ReplyFrame, ReplyFrames};
use crate::error::{Error, Result};
use crate::gateway::wants_upgrade;
use crate::interface::{CallArguments, Caller, Interface};
use crate::object::{BoxFuture, ObjectContext, ObjectDirectory, PeerContent, PeerRequest, Response};
use crate::response::ErrorBody;
use crate::wire::name::{InvalidName, canonical};
use crate::wire::{self, Wire};

/// The default time that a call waits for its answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A stub of another agent; a method called on the stub runs in that agent.
///
/// A stub is made by [`Context::agent`](crate::Context::agent) inside of an agent and by
/// [`Host::get`](crate::Host::get) elsewhere. A stub sends nothing until a method is called; the agent
/// need not be awake, and is created by its first use.
///
/// # Errors of calls
///
/// | code | when |
/// |---|---|
/// | the code of the callee's error | its text, as clients read it; a hidden error is `internal` with an id |
/// | `timeout` | no answer in 30 s, or in the time of [`with_timeout`](Self::with_timeout); the method may have run |
/// | `interrupted` | the callee failed before it answered; the method may have run |
/// | `call_cycle` | the callee waits for this call: it starts, blocks concurrency, or runs an exclusive method |
/// | `call_depth` | 32 agents already wait for each other |
/// | `unknown_method`, `unknown_agent` | no such method; the class is not registered, or the name is invalid |
/// | `busy`, `stopping` | the host is overloaded, or stops |
///
/// Two chains of exclusive methods that wait for each other crosswise are not detected; they end by the
/// timeout. A stream has no timeout of its own.
///
/// ```
/// # use agents_core::{AgentDefinition, Context, Result};
/// # use agents_protocol::interface::{CallArguments, Caller, Interface, AgentClass};
/// # async fn count<A: AgentDefinition, Lobby: Interface>(cx: &Context<A>) -> Result<()> {
/// use std::time::Duration;
///
/// let lobby = cx.agent::<Lobby>("main").with_timeout(Duration::from_secs(5));
/// let rooms: u32 = lobby.call("count", ("rooms",)).await?;
/// # let _ = rooms;
/// # Ok(())
/// # }
/// ```
pub struct AgentStub<A: Interface> {
    caller: PeerCaller,
    methods: A::Methods<PeerCaller>,
}

/// The [`Caller`] behind the methods of a stub.
#[doc(hidden)]
#[derive(Clone)]
pub struct PeerCaller {
    peers: Arc<ObjectDirectory>,
    class: &'static str,
    name: Arc<str>,
    /// The agent that calls, and the chain up to it.
    from: Option<(ObjectContext, CallChain)>,
    timeout: Duration,
}

impl<A: Interface> AgentStub<A> {
    pub(crate) fn new(
        peers: Arc<ObjectDirectory>,
        name: String,
        from: Option<(ObjectContext, CallChain)>,
    ) -> Self {
        // A text that is not a valid name is kept, and the first call fails because of it.
        let name = canonical(&name).map_or_else(|InvalidName| name.as_str().into(), Arc::from);
        Self::over(PeerCaller { peers, class: A::ROUTE, name, from, timeout: TIMEOUT })
    }

    fn over(caller: PeerCaller) -> Self {
        Self { methods: A::methods(caller.clone()), caller }
    }

    /// Returns the name of the agent, in the form that the agent itself sees.
    pub fn name(&self) -> &str {
        &self.caller.name
    }

    /// Returns a stub of the same agent with another timeout for calls. Streams have no timeout.
    ///
    /// The default is 30 s.
    #[must_use]
    pub fn with_timeout(&self, limit: Duration) -> Self {
        Self::over(PeerCaller { timeout: limit, ..self.caller.clone() })
    }

    /// Returns the methods of the agent. The stub dereferences to them, except for those that have the name
    /// of a method of the stub.
    pub fn methods(&self) -> &A::Methods<PeerCaller> {
        &self.methods
    }

    /// Calls a method by its name on the wire (`getStats`). The arguments are a tuple or an array, `()` for
    /// none. The result type of a method that returns nothing is `()`.
    ///
    /// # Errors
    /// See [the table](AgentStub#errors-of-calls); `invalid_answer` when the answer is of another type.
    pub fn call<T: Wire + 'static>(
        &self,
        method: &str,
        arguments: impl Serialize,
    ) -> BoxFuture<'static, Result<T>> {
        // Encoded before the future exists, so that the future is `Send` for any argument type.
        self.caller.ask(method, encode(arguments))
    }

    /// Calls a method that answers with a stream. A stream that is dropped before its end stops the method at
    /// its next await.
    ///
    /// # Errors
    /// As [`call`](Self::call); later errors are items of the stream.
    pub fn call_streaming<T: Wire + 'static>(
        &self,
        method: &str,
        arguments: impl Serialize,
    ) -> BoxFuture<'static, Result<CallStream<T, Value>>> {
        let lines = self.caller.open(method, encode(arguments));
        Box::pin(async move { Ok(CallStream::new(lines.await?)) })
    }

    /// Forwards an HTTP request to the agent, whose `on_request` answers it.
    ///
    /// The method, the path, the headers and the body arrive as they are given here, and so do the facts about
    /// the client (address, identity) that an `on_request` or a route of the program found in the request. The
    /// body has the limits of requests of clients, and is streamed, as the response is. No rule about clients
    /// is applied, such as [`Agents::authorize`](crate::Agents::authorize): the caller has decided already.
    ///
    /// The agent has 30 s for the head of its response, or the time of [`with_timeout`](Self::with_timeout);
    /// the body has no limit. A response that is dropped, for example because the client has left, ends that
    /// of the agent.
    ///
    /// # Errors
    /// As [`call`](Self::call), with a [`BodyFault`](crate::object::BodyFault) for a body that ends early or is
    /// too large, and `invalid` for the handshake of a WebSocket, which
    /// [`Agents::route_to`](crate::Agents::route_to) hands to an agent. An `on_request` that fails is no error:
    /// its response has the status.
    ///
    /// ```
    /// # use agents_core::axum::{Json, body::Body, extract::Request, response::Response};
    /// # use agents_core::{Host, Result, serde_json::{Value, to_vec}};
    /// # use agents_protocol::interface::Interface;
    /// /// A route of the program, which finds the name of the agent in the body.
    /// async fn webhook<Room: Interface>(host: Host, Json(event): Json<Value>) -> Result<Response> {
    ///     let room = event["room"].as_str().unwrap_or("main");
    ///     let request = Request::post("/event").body(Body::from(to_vec(&event)?))?;
    ///     host.get::<Room>(room).fetch(request).await
    /// }
    /// ```
    pub fn fetch(&self, request: http::Request<impl Into<Body>>) -> BoxFuture<'static, Result<Response>> {
        let (mut parts, body) = request.into_parts();
        let body = body.into();
        let caller = self.caller.clone();
        Box::pin(async move {
            if wants_upgrade(&parts.headers) {
                return Err(Error::invalid("a WebSocket cannot be forwarded to an agent"));
            }
            // The body may be another one than that with which the headers came.
            parts.headers.remove(TRANSFER_ENCODING);
            parts.headers.remove(CONTENT_LENGTH);
            if let Some(length) = body.size_hint().exact() {
                parts.headers.insert(CONTENT_LENGTH, length.into());
            }
            let limit = caller.timeout;
            let answer = caller.send(None, PeerContent::Http(Box::new(parts), body));
            timeout(limit, answer).await.map_err(|_| late(limit))?
        })
    }
}

impl<A: Interface> Deref for AgentStub<A> {
    type Target = A::Methods<PeerCaller>;

    fn deref(&self) -> &Self::Target {
        &self.methods
    }
}

impl Caller for PeerCaller {
    type Error = Error;
    type Stream<T: Wire + 'static, R: Wire + 'static> = CallStream<T, R>;

    fn call<T: Wire + 'static>(
        self,
        method: &'static str,
        arguments: CallArguments,
    ) -> impl Future<Output = Result<T>> + Send {
        self.ask(method, arguments.into_json().map_err(Error::not_json))
    }

    async fn stream<T: Wire + 'static, R: Wire + 'static>(
        self,
        method: &'static str,
        arguments: CallArguments,
    ) -> Result<CallStream<T, R>> {
        Ok(CallStream::new(self.open(method, arguments.into_json().map_err(Error::not_json)).await?))
    }
}

impl PeerCaller {
    fn ask<T: Wire + 'static>(
        &self,
        method: &str,
        arguments: Result<String>,
    ) -> BoxFuture<'static, Result<T>> {
        let lines = self.open(method, arguments);
        let limit = self.timeout;
        Box::pin(async move {
            let answer = async {
                let mut lines = lines.await?;
                loop {
                    match lines.next().await? {
                        ReplyFrame::Item(_) => {}
                        ReplyFrame::Result(result) => return decode(result.as_deref()),
                        ReplyFrame::Error { code, message, id } => {
                            return Err(Error::crossed(&code, message, id));
                        }
                    }
                }
            };
            timeout(limit, answer).await.map_err(|_| late(limit))?
        })
    }

    /// Sends a call, or an HTTP request if there is no method.
    async fn send(self, method: Option<String>, content: PeerContent) -> Result<Response> {
        let Self { peers, class, name, from, .. } = self;
        let mut callers = Vec::new();
        if let Some((object, chain)) = from {
            // The blocking kind is that of the place that calls, and not of the place where the stub was made.
            let from = CallerLink {
                class: object.class().to_owned(),
                name: object.name().to_owned(),
                waits: object.blocked_part(),
            };
            callers = chain.call(from, class, &name)?;
            // The call is not sent before the writes that it may depend on are durable.
            object.until_durable().await?;
        }
        let internal = CallHead { method, callers }.encode()?;
        let request = PeerRequest { class: class.to_owned(), name: name.to_string(), internal, content };
        peers.request(request).await
    }

    fn open(
        &self,
        method: &str,
        arguments: Result<String>,
    ) -> impl Future<Output = Result<ReplyFrames>> + Send + use<> {
        let caller = self.clone();
        let method = method.to_owned();
        async move {
            let arguments = Bytes::from(arguments?);
            let response = caller.send(Some(method), PeerContent::Message(arguments)).await?;
            let status = response.status();
            let body = response.into_body();
            if status == StatusCode::OK {
                return Ok(ReplyFrames::new(body));
            }
            // The agent did not start, or the host was overloaded.
            let text = body.collect().await.map(|text| text.to_bytes()).unwrap_or_default();
            let code = if status == StatusCode::SERVICE_UNAVAILABLE { "busy" } else { "not_started" };
            Err(match serde_json::from_slice::<ErrorBody<'_>>(&text) {
                Ok(body) => Error::crossed(code, body.message.into_owned(), body.id.map(Cow::into_owned)),
                Err(_) => Error::new(code, String::from_utf8_lossy(&text).into_owned()),
            })
        }
    }
}

fn late(limit: Duration) -> Error {
    Error::new("timeout", format!("no answer in {limit:?}"))
}

fn encode(arguments: impl Serialize) -> Result<String> {
    let text = wire::strict_json(&arguments).map_err(Error::not_json)?;
    match text.as_bytes() {
        b"null" => Ok("[]".to_owned()),
        [b'[', ..] => Ok(text),
        _ => Err(Error::new(
            "invalid_argument",
            "the arguments of a call must be a tuple or an array, as in `(\"hi\",)`",
        )),
    }
}

fn decode<T: Wire>(json: Option<&RawValue>) -> Result<T> {
    let text = json.map_or("null", RawValue::get);
    wire::from_json(text)
        .map_err(|error| Error::new("invalid_answer", format!("the answer is of another type: {error}")))
}

/// A streamed answer of another agent: items of type `T`, and at the end a [`result`](Self::result) of type
/// `R`.
#[must_use = "a stream does nothing until it is polled"]
pub struct CallStream<T, R> {
    reading: Option<BoxFuture<'static, (Result<ReplyFrame>, ReplyFrames)>>,
    /// The value that the method returned, once it has ended.
    result: Option<Option<Box<RawValue>>>,
    types: PhantomData<fn() -> (T, R)>,
}

impl<T, R: Wire> CallStream<T, R> {
    fn new(lines: ReplyFrames) -> Self {
        Self { reading: Some(read(lines)), result: None, types: PhantomData }
    }

    /// Returns the result of the method, after the stream has ended without an error.
    ///
    /// # Errors
    /// `stream_open` before the end or after an error, `invalid_answer` when the value is of another type.
    pub fn result(&self) -> Result<R> {
        match &self.result {
            Some(result) => decode(result.as_deref()),
            None => Err(Error::new("stream_open", "the stream has not ended, or ended with an error")),
        }
    }
}

fn read(mut lines: ReplyFrames) -> BoxFuture<'static, (Result<ReplyFrame>, ReplyFrames)> {
    Box::pin(async move { (lines.next().await, lines) })
}

impl<T: Wire, R> Stream for CallStream<T, R> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Result<T>>> {
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let Poll::Ready((line, lines)) = reading.as_mut().poll(cx) else { return Poll::Pending };
        self.reading = None;
        Poll::Ready(match line {
            Ok(ReplyFrame::Item(json)) => {
                self.reading = Some(read(lines));
                Some(decode(Some(&json)))
            }
            Ok(ReplyFrame::Result(json)) => {
                self.result = Some(json);
                None
            }
            Ok(ReplyFrame::Error { code, message, id }) => Some(Err(Error::crossed(&code, message, id))),
            Err(error) => Some(Err(error)),
        })
    }
}

impl<A: Interface> Clone for AgentStub<A> {
    fn clone(&self) -> Self {
        Self::over(self.caller.clone())
    }
}

impl<A: Interface> fmt::Debug for AgentStub<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AgentStub").field(&self.caller).finish()
    }
}

impl fmt::Debug for PeerCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.class, self.name)
    }
}

impl<T, R> fmt::Debug for CallStream<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallStream").field("has_ended", &self.reading.is_none()).finish_non_exhaustive()
    }
}
