//! Another agent, as one that calls it sees it.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::agent::line::{Line, Lines};
use crate::agent::{Agent, chain};
use crate::error::{Error, Result};
use crate::gateway::{CallHead, CallerLink, Waits};
use crate::object::{BoxFuture, ObjectContext, Peers};
use crate::wire::name::kebab_case;

/// How long a call waits for its answer unless told otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Another agent: what is called on it runs there.
///
/// Made by [`Context::agent`](crate::Context::agent) inside of an agent and by
/// [`Host::get`](crate::Host::get) elsewhere. Nothing happens before something is called; the agent
/// need not be awake, and exists from its first use on.
///
/// # Errors of calls
///
/// | code | when |
/// |---|---|
/// | the code of the callee's error | its text, as clients read it; a hidden one is `internal` with an id |
/// | `timeout` | no answer in 30 s, or in the time of [`timeout`](Self::timeout); it may have run |
/// | `interrupted` | the callee failed before it answered; it may have run |
/// | `call_cycle` | the callee waits for this very call: it starts, runs alone, or is in an exclusive method |
/// | `call_depth` | 32 agents wait for each other already |
/// | `unknown_method`, `unknown_agent` | no such method; the class is not registered, or the name is none |
/// | `busy`, `stopping` | the host has no room, or stops |
///
/// Two chains of exclusive methods that wait for each other crosswise are not seen; they end by the time limit.
pub struct AgentStub<A> {
    peers: Arc<Peers>,
    name: String,
    /// The agent that calls, and the chain up to it.
    from: Option<(ObjectContext, Vec<CallerLink>)>,
    timeout: Duration,
    class: PhantomData<fn() -> A>,
}

impl<A: Agent> AgentStub<A> {
    pub(crate) fn new(
        peers: Arc<Peers>,
        name: String,
        from: Option<(ObjectContext, Vec<CallerLink>)>,
    ) -> Self {
        Self { peers, name, from, timeout: TIMEOUT, class: PhantomData }
    }

    /// Returns the name of the agent.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets how long a call waits for its answer, 30 s unless told otherwise. Streams have no limit.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Calls a method, by its name on the wire (`getStats`). The arguments are a tuple or an array, `()` for none; a
    /// method that returns nothing gives `()`.
    ///
    /// # Errors
    /// See [the table](AgentStub#errors-of-calls); `invalid_answer` when the answer is of another type.
    pub fn call<T: DeserializeOwned + 'static>(
        &self,
        method: &str,
        arguments: impl Serialize,
    ) -> BoxFuture<'static, Result<T>> {
        // Written before the future exists, so that it is `Send` whatever they are.
        let answered = self.open(method, encode(arguments));
        let limit = self.timeout;
        Box::pin(async move {
            let answer = async {
                let mut lines = answered.await?;
                loop {
                    match lines.next().await? {
                        Line::Item(_) => {}
                        Line::Result(result) => return decode(result.as_deref()),
                        Line::Error { code, message } => return Err(Error::crossed(&code, message)),
                    }
                }
            };
            let late = |_| Error::new("timeout", format!("no answer in {limit:?}"));
            timeout(limit, answer).await.map_err(late)?
        })
    }

    /// Calls a method that answers with a stream. What is dropped before its end stops the method at its next await.
    ///
    /// # Errors
    /// As [`call`](Self::call); what goes wrong later comes out of the stream.
    pub fn call_streaming<T: DeserializeOwned + Send + 'static>(
        &self,
        method: &str,
        arguments: impl Serialize,
    ) -> BoxFuture<'static, Result<ReplyStream<T>>> {
        let answered = self.open(method, encode(arguments));
        Box::pin(async move { Ok(ReplyStream::new(answered.await?)) })
    }

    fn open(
        &self,
        method: &str,
        arguments: Result<String>,
    ) -> impl Future<Output = Result<Lines>> + Send + use<A> {
        let class = A::options().name.map_or_else(|| kebab_case(A::CLASS), str::to_owned);
        let (peers, name, from) = (self.peers.clone(), self.name.clone(), self.from.clone());
        let method = method.to_owned();
        async move {
            let arguments = arguments?;
            let mut callers = Vec::new();
            if let Some((object, mut chain)) = from {
                // Whether it runs alone shows where it calls, not where the stub was made.
                if let Some(caller) = chain.last_mut().filter(|_| object.runs_alone()) {
                    caller.waits = Waits::Closed;
                }
                chain::check(&chain, &class, &name)?;
                callers = chain;
                // Nothing leaves before the writes that it may depend on are durable.
                object.until_durable().await?;
            }
            let call = CallHead { method, callers };
            let response = peers.call(&class, &name, call, Bytes::from(arguments)).await?;
            let status = response.status();
            let body = response.into_body();
            if status == StatusCode::OK {
                return Ok(Lines::new(body));
            }
            // The agent did not start, or there was no room for it.
            let text = body.collect().await.map(|text| text.to_bytes()).unwrap_or_default();
            let code = if status == StatusCode::SERVICE_UNAVAILABLE { "busy" } else { "not_started" };
            Err(Error::new(code, String::from_utf8_lossy(&text).into_owned()))
        }
    }
}

fn encode(arguments: impl Serialize) -> Result<String> {
    let text = serde_json::to_string(&arguments)?;
    match text.as_bytes() {
        b"null" => Ok("[]".to_owned()),
        [b'[', ..] => Ok(text),
        _ => Err(Error::new(
            "invalid_argument",
            "the arguments of a call are a tuple or an array, as in `(\"hi\",)`",
        )),
    }
}

fn decode<T: DeserializeOwned>(json: Option<&RawValue>) -> Result<T> {
    let text = json.map_or("null", RawValue::get);
    serde_json::from_str(text)
        .map_err(|error| Error::new("invalid_answer", format!("the answer is of another type: {error}")))
}

/// The pieces of a streamed answer of another agent; [`result`](Self::result) has what the method returned.
#[must_use = "a stream does nothing until it is polled"]
pub struct ReplyStream<T> {
    reading: Option<BoxFuture<'static, (Result<Line>, Lines)>>,
    result: Option<Value>,
    item: PhantomData<fn() -> T>,
}

impl<T> ReplyStream<T> {
    fn new(lines: Lines) -> Self {
        Self { reading: Some(read(lines)), result: None, item: PhantomData }
    }

    /// What the method returned, once the stream has ended well.
    ///
    /// # Errors
    /// `stream_open` before the end or after an error, `invalid_answer` when it is of another type.
    pub fn result<R: DeserializeOwned>(&self) -> Result<R> {
        let result =
            self.result.as_ref().ok_or_else(|| Error::new("stream_open", "the stream has not ended well"))?;
        R::deserialize(result)
            .map_err(|error| Error::new("invalid_answer", format!("the answer is of another type: {error}")))
    }
}

fn read(mut lines: Lines) -> BoxFuture<'static, (Result<Line>, Lines)> {
    Box::pin(async move { (lines.next().await, lines) })
}

impl<T: DeserializeOwned> Stream for ReplyStream<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Result<T>>> {
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let Poll::Ready((line, lines)) = reading.as_mut().poll(cx) else { return Poll::Pending };
        self.reading = None;
        Poll::Ready(match line {
            Ok(Line::Item(json)) => {
                self.reading = Some(read(lines));
                Some(decode(Some(&json)))
            }
            Ok(Line::Result(json)) => match decode(json.as_deref()) {
                Ok(result) => {
                    self.result = Some(result);
                    None
                }
                Err(error) => Some(Err(error)),
            },
            Ok(Line::Error { code, message }) => Some(Err(Error::crossed(&code, message))),
            Err(error) => Some(Err(error)),
        })
    }
}

impl<A> Clone for AgentStub<A> {
    fn clone(&self) -> Self {
        let Self { peers, name, from, timeout, class } = self;
        Self {
            peers: peers.clone(),
            name: name.clone(),
            from: from.clone(),
            timeout: *timeout,
            class: *class,
        }
    }
}

impl<A: Agent> fmt::Debug for AgentStub<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentStub")
            .field("class", &A::CLASS)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for ReplyStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyStream").field("result", &self.result).finish_non_exhaustive()
    }
}
