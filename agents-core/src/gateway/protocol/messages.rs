//! The messages between the gateway and an object, and their contents.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::gateway::protocol::head::{Head, ResponseHead};
use crate::gateway::{BodyFault, Close, FRAME_BYTES, Flags, MemoryPermit, Message};

/// The key of a socket within a process; later sockets have greater keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ConnectionKey(pub(crate) u64);

impl fmt::Debug for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The key of an HTTP request within a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct RequestKey(pub(crate) u64);

impl RequestKey {
    /// Returns a key that no earlier request of this process had.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The data of an accepted connection that never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConnectionMeta {
    pub(crate) id: String,
    pub(crate) uri: Option<String>,
    pub(crate) tags: Vec<String>,
}

/// The data that the gateway stores of an accepted connection; an object that wakes loads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConnectionInfo {
    pub(crate) connection: ConnectionKey,
    pub(crate) meta: Arc<ConnectionMeta>,
    pub(crate) attachment: Bytes,
    /// The time of the last auto-response to the connection, in milliseconds since 1970.
    pub(crate) answered_at: Option<u64>,
}

/// A text message that the gateway answers by itself, with the response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AutoResponse {
    pub(crate) request: String,
    pub(crate) response: String,
}

/// A message from the gateway to the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ToObject {
    Connect {
        connection: ConnectionKey,
        id: String,
        head: Box<Head>,
    },
    Message {
        connection: ConnectionKey,
        message: Message,
        /// The part of the incoming budget that the message holds until it is handled.
        #[serde(skip)]
        permit: MemoryPermit,
    },
    Close {
        connection: ConnectionKey,
        close: Close,
        /// The data of the connection, for an object that hibernated; `None` if it was never accepted.
        info: Option<Box<ConnectionInfo>>,
    },
    Error {
        connection: ConnectionKey,
        error: String,
    },
    Request {
        request: RequestKey,
        head: Box<Head>,
        /// The whole body, or its start.
        body: Bytes,
        /// `true` if more of the body follows.
        more: bool,
        /// The part of the incoming budget, as for a message.
        #[serde(skip)]
        permit: MemoryPermit,
    },
    /// A further part of the body of a request.
    BodyChunk {
        request: RequestKey,
        chunk: Bytes,
        /// The part of the incoming budget, until the chunk is read.
        #[serde(skip)]
        permit: MemoryPermit,
    },
    /// The end of the body of a request: complete, or with the fault that ended it.
    BodyEnd {
        request: RequestKey,
        fault: Option<BodyFault>,
    },
    /// The client has received chunks that count this many bytes in the window of the response; as many more
    /// may be sent.
    Drained {
        request: RequestKey,
        bytes: u64,
    },
    /// The client of a request is gone.
    Gone {
        request: RequestKey,
    },
    /// The answer to [`ToGateway::AwaitRoom`]: the client has received nearly all bytes that were sent to it
    /// before, or the connection receives no more. It is delivered at once, before the messages that wait.
    Room {
        request: RequestKey,
    },
    /// The object's alarm is due according to the index of alarms.
    Alarm,
}

impl ToObject {
    /// Returns the kind of the message, for the log; a call is a request of another agent or of the program.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Message { .. } => "message",
            Self::Close { .. } => "close",
            Self::Error { .. } => "error",
            Self::Request { head, .. } if head.internal.is_some() => "call",
            Self::Request { .. }
            | Self::BodyChunk { .. }
            | Self::BodyEnd { .. }
            | Self::Drained { .. }
            | Self::Gone { .. }
            | Self::Room { .. } => "request",
            Self::Alarm => "alarm",
        }
    }

    /// Returns the connection whose accept it requests.
    pub(crate) fn connects(&self) -> Option<ConnectionKey> {
        match self {
            Self::Connect { connection, .. } => Some(*connection),
            _ => None,
        }
    }

    /// Returns the connection that it is about, except for a `Connect`.
    pub(crate) fn connection(&self) -> Option<ConnectionKey> {
        match self {
            Self::Message { connection, .. }
            | Self::Close { connection, .. }
            | Self::Error { connection, .. } => Some(*connection),
            _ => None,
        }
    }

    /// Returns the number of payload bytes of a client, without the head.
    pub(crate) fn payload(&self) -> usize {
        match self {
            Self::Message { message, .. } => message.len(),
            Self::Request { body, .. } => body.len(),
            Self::BodyChunk { chunk, .. } => chunk.len(),
            _ => 0,
        }
    }

    /// Returns the request that it begins.
    pub(crate) fn begun_request(&self) -> Option<RequestKey> {
        match self {
            Self::Request { request, .. } => Some(*request),
            _ => None,
        }
    }

    /// Returns the running request that it is about; such a message means nothing to an activation that did
    /// not begin the request.
    pub(crate) fn about_request(&self) -> Option<RequestKey> {
        match self {
            Self::Drained { request, .. }
            | Self::Gone { request }
            | Self::Room { request }
            | Self::BodyChunk { request, .. }
            | Self::BodyEnd { request, .. } => Some(*request),
            _ => None,
        }
    }
}

/// The receivers of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Targets {
    One(ConnectionKey),
    Many(Box<Selection>),
}

impl Targets {
    fn bytes(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Many(selection) => {
                let Selection { all_tags, any_tag, except, .. } = &**selection;
                let tags = all_tags.iter().chain(any_tag.iter().flatten());
                size_of_val(&except[..]) + tags.map(|tag| size_of::<String>() + tag.len()).sum::<usize>()
            }
        }
    }
}

/// A selection of an object's accepted connections; the default selects all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Selection {
    /// Selects connections that have all of these tags.
    pub(crate) all_tags: Vec<String>,
    /// Selects connections that have one of these tags; `None` applies no such filter.
    pub(crate) any_tag: Option<Vec<String>>,
    /// Excludes connections that have one of these flags.
    pub(crate) without: Flags,
    pub(crate) except: Vec<ConnectionKey>,
}

impl Selection {
    /// Returns whether a connection is selected.
    pub(crate) fn has(&self, connection: ConnectionKey, tags: &[String], flags: Flags) -> bool {
        !flags.has(self.without)
            && self.all_tags.iter().all(|tag| tags.contains(tag))
            && self.any_tag.as_ref().is_none_or(|any| any.iter().any(|tag| tags.contains(tag)))
            && !self.except.contains(&connection)
    }
}

/// A message from the object to the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ToGateway {
    Accept {
        connection: ConnectionKey,
        tags: Vec<String>,
        attachment: Bytes,
    },
    Send {
        targets: Targets,
        message: Message,
        /// `true` if the message makes earlier ones of this kind unnecessary. For a client that is behind, it
        /// replaces an earlier one that has not left yet.
        latest: bool,
    },
    Close {
        connection: ConnectionKey,
        code: Option<u16>,
        reason: String,
    },
    Attach {
        connection: ConnectionKey,
        attachment: Bytes,
    },
    /// This many messages of the connection are done, with this many bytes; the client may send as many more.
    Credit {
        connection: ConnectionKey,
        messages: u32,
        bytes: u64,
    },
    Respond {
        request: RequestKey,
        head: ResponseHead,
    },
    RespondChunk {
        request: RequestKey,
        chunk: Bytes,
    },
    RespondEnd {
        request: RequestKey,
        /// `true` if the body is complete; a truncated body must not look complete to the client.
        complete: bool,
    },
    /// The object has read this many bytes of the body of a request; as many more may come.
    BodyCredit {
        request: RequestKey,
        bytes: u64,
    },
    /// Asks for [`ToObject::Room`] with this key. A later question about the connection replaces an earlier one.
    AwaitRoom {
        connection: ConnectionKey,
        request: RequestKey,
    },
    /// Sets or removes the auto-response of all connections.
    AutoResponse {
        pair: Option<AutoResponse>,
    },
    /// The activation has failed: ends everything that waits for it. Accepted connections are closed with
    /// 1011, and requests end without the rest of their response.
    ///
    /// A connection that is not accepted yet gets a final code. The npm client would connect again after
    /// another code, but its promise `ready` of this connection would never settle.
    Fail {
        reason: String,
        unaccepted: Unaccepted,
    },
    /// The host stops: closes every connection after its pending messages and ends the requests. The same
    /// applies to connections and requests that come later.
    Shut,
}

/// The connections that are not accepted and that fail with an activation. The others wait for the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Unaccepted {
    All,
    These(HashSet<ConnectionKey>),
}

impl ToGateway {
    /// Returns the approximate number of bytes that it takes while it waits.
    pub(crate) fn bytes(&self) -> usize {
        let carried = match self {
            Self::Send { targets, message, .. } => targets.bytes() + message.len(),
            Self::Attach { attachment, .. } | Self::Accept { attachment, .. } => attachment.len(),
            Self::RespondChunk { chunk, .. } => chunk.len(),
            Self::AutoResponse { pair: Some(pair) } => pair.request.len() + pair.response.len(),
            Self::Close { .. }
            | Self::Credit { .. }
            | Self::Respond { .. }
            | Self::RespondEnd { .. }
            | Self::BodyCredit { .. }
            | Self::AwaitRoom { .. }
            | Self::Fail { .. }
            | Self::Shut
            | Self::AutoResponse { pair: None } => 0,
        };
        carried + FRAME_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::RequestOrigin;

    fn head() -> Box<Head> {
        Box::new(Head {
            method: "GET".into(),
            uri: "/agents/a/b?x=1".into(),
            headers: vec![("x".into(), Bytes::from_static(b"\xff"))],
            peer: Some(([127, 0, 0, 1], 80).into()),
            origin: RequestOrigin { identity: Some(r#"{"id":1}"#.into()), same_site: true },
            client: Some([127, 0, 0, 1].into()),
            internal: Some(Bytes::from_static(b"post")),
        })
    }

    /// Returns a message of each kind.
    fn to_object() -> Vec<ToObject> {
        let (connection, request, permit) = (ConnectionKey(7), RequestKey(1), MemoryPermit::default());
        let (id, uri, tags) = ("c".to_owned(), Some("/".to_owned()), vec!["red".to_owned()]);
        let meta = Arc::new(ConnectionMeta { id: id.clone(), uri, tags });
        let attachment = Bytes::from_static(b"\0\xff");
        let info = ConnectionInfo { connection, meta, attachment, answered_at: Some(1) };
        let close = Close::clean(4001, "bye");
        vec![
            ToObject::Connect { connection, id, head: head() },
            ToObject::Message { connection, message: Message::from(vec![0, 255]), permit },
            ToObject::Close { connection, close, info: Some(Box::new(info)) },
            ToObject::Error { connection, error: "frame".into() },
            ToObject::Request {
                request,
                head: head(),
                body: Bytes::from_static(b"\0"),
                more: true,
                permit: MemoryPermit::default(),
            },
            ToObject::BodyChunk {
                request,
                chunk: Bytes::from_static(b"\xff"),
                permit: MemoryPermit::default(),
            },
            ToObject::BodyEnd { request, fault: Some(BodyFault::TooLarge { limit: 9 }) },
            ToObject::Drained { request, bytes: u64::MAX },
            ToObject::Gone { request },
            ToObject::Room { request },
            ToObject::Alarm,
        ]
    }

    /// Returns a message of each kind.
    fn to_gateway() -> Vec<ToGateway> {
        let (connection, request) = (ConnectionKey(7), RequestKey(1));
        let selection = Selection {
            all_tags: vec!["red".into()],
            any_tag: Some(vec!["blue".into()]),
            except: vec![connection],
            without: Flags::bit(1),
        };
        let targets = Targets::Many(Box::new(selection));
        let (tags, attachment) = (vec!["red".to_owned()], Bytes::from_static(b"\0\xff"));
        let pair = AutoResponse { request: "ping".into(), response: "pong".into() };
        let head = ResponseHead { status: 404, headers: vec![("x".into(), Bytes::from_static(b"\xff"))] };
        vec![
            ToGateway::Accept { connection, tags, attachment: attachment.clone() },
            ToGateway::Send { targets, message: Message::from("hi"), latest: true },
            ToGateway::Close { connection, code: Some(4001), reason: "bye".into() },
            ToGateway::Attach { connection, attachment },
            ToGateway::Credit { connection, messages: 1, bytes: u64::MAX },
            ToGateway::Respond { request, head },
            ToGateway::RespondChunk { request, chunk: Bytes::from_static(b"\xff") },
            ToGateway::RespondEnd { request, complete: true },
            ToGateway::BodyCredit { request, bytes: 1 },
            ToGateway::AwaitRoom { connection, request },
            ToGateway::AutoResponse { pair: Some(pair) },
            ToGateway::Fail {
                reason: "restarted".into(),
                unaccepted: Unaccepted::These([connection].into()),
            },
            ToGateway::Shut,
        ]
    }

    fn name(message: impl fmt::Debug) -> String {
        format!("{message:?}").split([' ', '{']).next().unwrap_or_default().to_owned()
    }

    /// Returns the names of the variants of an enum, read from this file.
    fn variants(of: &str) -> Vec<String> {
        let source = include_str!("messages.rs");
        let body = source.split(&format!("enum {of} {{\n")).nth(1).unwrap().split("\n}").next().unwrap();
        let variants = body.lines().filter_map(|line| line.strip_prefix("    "));
        let variants = variants.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
        variants.map(|line| line.split([' ', ',']).next().unwrap().to_owned()).collect()
    }

    #[test]
    fn messages_survive_serialisation() {
        for message in to_object() {
            let json = serde_json::to_string(&message).unwrap();
            assert_eq!(serde_json::from_str::<ToObject>(&json).unwrap(), message);
        }
        for message in to_gateway() {
            let json = serde_json::to_string(&message).unwrap();
            assert_eq!(serde_json::from_str::<ToGateway>(&json).unwrap(), message);
        }
        let sorted = |names: Vec<String>| names.into_iter().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(sorted(to_object().iter().map(name).collect()), sorted(variants("ToObject")));
        assert_eq!(sorted(to_gateway().iter().map(name).collect()), sorted(variants("ToGateway")));
    }

    #[test]
    fn selections_by_tag() {
        // S196
        let (a, b, ab) = (["a".to_owned()], ["b".to_owned()], ["a".to_owned(), "b".to_owned()]);
        let key = ConnectionKey(1);
        let has = |selection: &Selection, tags: &[String]| selection.has(key, tags, Flags::NONE);
        let all = Selection { all_tags: ab.to_vec(), ..Selection::default() };
        let any = Selection { any_tag: Some(ab.to_vec()), ..Selection::default() };
        let none = Selection { any_tag: Some(Vec::new()), ..Selection::default() };
        for (tags, expected) in
            [(&[][..], [0, 0, 0, 1]), (&a, [0, 1, 0, 1]), (&b, [0, 1, 0, 1]), (&ab, [1, 1, 0, 1])]
        {
            let found = [&all, &any, &none, &Selection::default()].map(|selection| has(selection, tags));
            assert_eq!(found.map(i32::from), expected, "{tags:?}");
        }
        let others = Selection { except: vec![key], ..Selection::default() };
        assert!(!has(&others, &a));
        let writable = Selection { without: Flags::bit(0), ..Selection::default() };
        assert!(writable.has(key, &a, Flags::bit(1)) && !writable.has(key, &a, Flags::bit(0)));
    }
}
