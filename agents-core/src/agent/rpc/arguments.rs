//! The arguments of a method: decoded from the call or given by the runtime.

use std::fmt;
use std::future::poll_fn;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::agent::rpc::response_stream::ReplySink;
use crate::agent::{AgentDefinition, ConnectRequest, Connection, Context, StreamingResponse, View};
use crate::error::{Error, Result};
use crate::interface::Outcome;
use crate::object::BoxFuture;
use crate::wire::{Describe, Wire};

/// Values that a method can take besides the client's arguments.
pub struct CallContext<A: AgentDefinition> {
    pub(crate) cx: Context<A>,
    pub(crate) connection: Option<Connection<A>>,
    pub(crate) request: Option<ConnectRequest>,
    pub(crate) answer: Option<Arc<ReplySink>>,
}

/// A call of a callable.
pub struct Call<A: AgentDefinition> {
    pub(crate) agent: Arc<A>,
    pub(crate) parts: CallContext<A>,
    /// The frame; `arguments` is the range of the array in it.
    pub(crate) frame: Arc<str>,
    pub(crate) arguments: Range<usize>,
}

impl<A: AgentDefinition> Call<A> {
    /// Returns the instance.
    pub fn agent(&self) -> Arc<A> {
        self.agent.clone()
    }

    /// Returns the values from which references are made.
    pub fn parts(&self) -> &CallContext<A> {
        &self.parts
    }

    /// Returns the client's arguments, at most `count`.
    ///
    /// # Errors
    /// When the arguments are not a JSON array.
    pub fn arguments(&self, count: usize) -> Result<Arguments<'_>> {
        Arguments::read(self.frame.get(self.arguments.clone()).unwrap_or("[]"), count)
    }
}

/// The arguments of a call, taken in order.
///
/// Arguments beyond those of the method are ignored, as between functions of JavaScript:
/// `items.map(agent.stub.add)` passes three. Ignored arguments use no memory.
#[derive(Debug)]
pub struct Arguments<'a> {
    values: std::vec::IntoIter<&'a RawValue>,
    taken: usize,
}

impl<'a> Arguments<'a> {
    pub(crate) fn read(json: &'a str, count: usize) -> Result<Self> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let values = First(count)
            .deserialize(&mut reader)
            .and_then(|values| reader.end().map(|()| values))
            .map_err(|error| invalid(format!("the arguments are not JSON: {}", reason(&error))))?;
        Ok(Self { values: values.into_iter(), taken: 0 })
    }
}

/// Reads the first items of a list and skips the others.
struct First(usize);

impl<'de> DeserializeSeed<'de> for First {
    type Value = Vec<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for First {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Self::Value, S::Error> {
        let mut values = Vec::with_capacity(self.0);
        while values.len() < self.0 {
            match list.next_element()? {
                Some(value) => values.push(value),
                None => return Ok(values),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(values)
    }
}

/// A function that reads an argument. It is passed by type, so that the compiler demands a wire type in one
/// place.
pub type Read<T> = fn(&str) -> std::result::Result<T, serde_json::Error>;

impl Arguments<'_> {
    /// Takes the next argument. A missing one counts as `null`, so an `Option` may be omitted.
    ///
    /// # Errors
    /// When the argument is missing or of another type; the caller reads the position and the reason.
    pub fn next<T>(&mut self, name: &'static str, read: Read<T>) -> Result<T> {
        self.taken += 1;
        match self.values.next() {
            Some(value) => read(value.get())
                .map_err(|error| invalid(format!("argument {} (`{name}`): {}", self.taken, reason(&error)))),
            None => {
                read("null").map_err(|_| invalid(format!("argument {} (`{name}`) is missing", self.taken)))
            }
        }
    }

    /// Takes the next argument, or the default if the argument is missing or `null`.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn next_or<T>(
        &mut self,
        name: &'static str,
        read: Read<T>,
        default: impl FnOnce() -> T,
    ) -> Result<T> {
        if self.values.as_slice().first().is_none_or(|value| value.get() == "null") {
            self.taken += 1;
            self.values.next();
            return Ok(default());
        }
        self.next(name, read)
    }
}

/// Returns the error text without the position, because the caller does not see the text that the position
/// refers to.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

fn invalid(message: String) -> Error {
    Error::new("invalid_argument", message)
}

/// A value that a method takes by reference and that the runtime provides.
#[diagnostic::on_unimplemented(
    message = "`&{Self}` is not a type that the runtime provides",
    label = "not known to the runtime",
    note = "arguments from the client are owned: take `{Self}` by value",
    note = "the runtime provides `&Context<Self>`, `&View<Self>`, `&Connection<Self>`, `Option<&Connection<Self>>`, \
            `&ConnectRequest` and `&StreamingResponse<T>`"
)]
pub trait FromCall<A: AgentDefinition>: Sized {
    /// The TypeScript type of the items of the reply, if this value sends them.
    #[doc(hidden)]
    const ITEMS: Option<Describe> = None;

    /// Returns the value for one call.
    ///
    /// # Errors
    /// When the call does not have the value, for example a connection in an HTTP request.
    fn from_call(parts: &CallContext<A>) -> Result<Self>;
}

impl<A: AgentDefinition> FromCall<A> for Context<A> {
    fn from_call(parts: &CallContext<A>) -> Result<Self> {
        Ok(parts.cx.clone())
    }
}

impl<A: AgentDefinition> FromCall<A> for View<A> {
    fn from_call(parts: &CallContext<A>) -> Result<Self> {
        Ok(View(parts.cx.clone()))
    }
}

impl<A: AgentDefinition> FromCall<A> for Connection<A> {
    fn from_call(parts: &CallContext<A>) -> Result<Self> {
        parts.connection.clone().ok_or_else(|| Error::new("no_connection", "this call needs a connection"))
    }
}

impl<A: AgentDefinition> FromCall<A> for Option<Connection<A>> {
    fn from_call(parts: &CallContext<A>) -> Result<Self> {
        Ok(parts.connection.clone())
    }
}

impl<A: AgentDefinition> FromCall<A> for ConnectRequest {
    fn from_call(parts: &CallContext<A>) -> Result<Self> {
        parts.request.clone().ok_or_else(|| {
            Error::hidden("no_request", "this call has no request, which exists only while a client connects")
        })
    }
}

impl<A: AgentDefinition> FromCall<A> for Option<ConnectRequest> {
    fn from_call(parts: &CallContext<A>) -> Result<Self> {
        Ok(parts.request.clone())
    }
}

impl<A: AgentDefinition, T: Wire> FromCall<A> for StreamingResponse<T> {
    const ITEMS: Option<Describe> = Some(T::describe);

    fn from_call(parts: &CallContext<A>) -> Result<Self> {
        let answer = parts
            .answer
            .clone()
            .ok_or_else(|| Error::new("no_stream", "this call cannot be answered with a stream"))?;
        Ok(Self::new(answer))
    }
}

/// The part of a returned stream that is sent before the agent yields to other handlers. A stream that always
/// has an item would block them.
struct Stretch {
    items: usize,
    bytes: usize,
    until: Instant,
}

impl Stretch {
    const ITEMS: usize = 32;
    const BYTES: usize = 16 * 1024;
    const LONGEST: Duration = Duration::from_micros(200);

    fn begin() -> Self {
        Self { items: 0, bytes: 0, until: Instant::now() + Self::LONGEST }
    }

    /// Counts an item of `bytes` bytes; returns whether the part is over.
    fn is_over(&mut self, bytes: usize) -> bool {
        self.items += 1;
        self.bytes += bytes;
        self.items >= Self::ITEMS || self.bytes >= Self::BYTES || Instant::now() >= self.until
    }
}

/// Ends the turn and continues in the next one.
async fn yield_turn() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        // `yield_now` of tokio would wait until all other tasks of the runtime were polled. This wake ends
        // only the current poll of the handlers that are polled together.
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Sends the items of a returned stream as the reply of its call, as fast as the caller takes them.
pub fn stream_outcome<'a, A, S>(
    parts: &CallContext<A>,
    stream: S,
    encode: fn(S::Item) -> Result<Outcome>,
) -> BoxFuture<'a, Result<Outcome>>
where
    A: AgentDefinition,
    S: futures_core::Stream + Send + 'a,
    S::Item: 'a,
{
    let answer = parts.answer.clone();
    Box::pin(async move {
        let answer =
            answer.ok_or_else(|| Error::new("no_stream", "this call cannot be answered with a stream"))?;
        let (mut stream, mut gone) = (pin!(stream), pin!(answer.until_gone()));
        let mut stretch = Stretch::begin();
        loop {
            // A stream may have no item for a long time; the end of the caller ends the wait.
            let item = tokio::select! {
                biased;
                () = &mut gone => None,
                item = stream.next() => item.map(encode),
            };
            let Some(item) = item else { break };
            let chunk = match item? {
                Outcome::Value(json) => json,
                Outcome::Nothing => "null".to_owned(),
            };
            answer.chunk(&chunk)?;
            answer.ready().await;
            if stretch.is_over(chunk.len()) {
                yield_turn().await;
                stretch = Stretch::begin();
                if !answer.is_open() {
                    break;
                }
            }
        }
        Ok(Outcome::Nothing)
    })
}

impl<A: AgentDefinition> fmt::Debug for CallContext<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("cx", &self.cx).finish_non_exhaustive()
    }
}

impl<A: AgentDefinition> fmt::Debug for Call<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("parts", &self.parts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::from_json;

    #[test]
    fn arguments_are_taken_one_after_the_other() {
        let text = " [ 1 ,\"a,]b\" , null, [ 2 , [3]] ,{\"k\":[]},-4e0 ] ";
        let mut arguments = Arguments::read(text, 9).unwrap();
        assert_eq!(arguments.next("a", from_json::<u8>).unwrap(), 1);
        assert_eq!(arguments.next("b", from_json::<String>).unwrap(), "a,]b");
        assert_eq!(arguments.next_or("c", from_json::<u8>, || 7).unwrap(), 7);
        assert_eq!(arguments.next("d", from_json::<(u8, Vec<u8>)>).unwrap(), (2, vec![3]));
        assert!(arguments.next("e", from_json::<serde_json::Value>).unwrap().is_object());
        assert_eq!(arguments.next_or("f", from_json::<f64>, || 0.0).unwrap(), -4.0);
        assert_eq!(arguments.next("g", from_json::<Option<u8>>).unwrap(), None);
        assert_eq!(arguments.next_or("h", from_json::<u8>, || 8).unwrap(), 8);
        let missing = arguments.next("i", from_json::<u8>).unwrap_err();
        assert_eq!(missing.to_string(), "argument 9 (`i`) is missing");
    }

    #[test]
    fn a_list_is_judged_as_a_whole_before_its_first_value() {
        for text in ["", "[", "[1", "[1,]", "[1 2]", "{}", "1", "[1]]", "[1] 2", "[[]"] {
            for count in [0, 1, 9] {
                assert_eq!(Arguments::read(text, count).unwrap_err().code(), "invalid_argument", "{text}");
            }
        }
    }

    #[test]
    fn no_more_is_kept_than_the_method_takes() {
        let text = format!("[0{}]", ",0".repeat(100_000));
        let arguments = Arguments::read(&text, 2).unwrap();
        assert_eq!(arguments.values.as_slice().len(), 2);
        assert_eq!(Arguments::read("[]", 2).unwrap().values.len(), 0);
    }
}
