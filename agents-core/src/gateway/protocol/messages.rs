//! The messages between the gateway and an object, and what they carry.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::gateway::{BodyFault, CallHead, Close, FRAME_BYTES, Flags, MemoryPermit, Message, RequestOrigin};

/// Names a socket within a process; later sockets have greater keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ConnectionKey(pub(crate) u64);

impl fmt::Debug for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Names an HTTP request within a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct RequestKey(pub(crate) u64);

impl RequestKey {
    /// One that no request of this process had.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) method: String,
    /// Path and query as the client sent them.
    pub(crate) uri: String,
    pub(crate) headers: Vec<(String, Bytes)>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) origin: RequestOrigin,
    /// Whom the peer speaks for, or the peer itself.
    pub(crate) client: Option<IpAddr>,
    /// Another agent, or the program itself, calls a method.
    pub(crate) call: Option<Box<CallHead>>,
}

/// The head of a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResponseHead {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Bytes)>,
}

/// What never changes about an accepted connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConnectionMeta {
    pub(crate) id: String,
    pub(crate) uri: Option<String>,
    pub(crate) tags: Vec<String>,
}

/// What the gateway keeps of an accepted connection; an object that wakes asks for these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConnectionInfo {
    pub(crate) connection: ConnectionKey,
    pub(crate) meta: Arc<ConnectionMeta>,
    pub(crate) attachment: Bytes,
    /// When the gateway last answered in the object's place, in milliseconds since 1970.
    pub(crate) answered_at: Option<u64>,
}

/// A text message that the gateway answers by itself, and the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AutoResponse {
    pub(crate) request: String,
    pub(crate) response: String,
}

/// From the gateway to the object.
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
        /// Its part of the memory for what clients send, until it is handled.
        #[serde(skip)]
        held: MemoryPermit,
    },
    Close {
        connection: ConnectionKey,
        close: Close,
        /// What the gateway kept of it, for an object that slept; `None` if it was never accepted.
        info: Option<Box<ConnectionInfo>>,
    },
    Error {
        connection: ConnectionKey,
        error: String,
    },
    Request {
        request: RequestKey,
        head: Box<Head>,
        /// The body, or its start.
        body: Bytes,
        /// Whether more of the body comes.
        more: bool,
        /// As for a message.
        #[serde(skip)]
        held: MemoryPermit,
    },
    /// More of the body of a request.
    BodyChunk {
        request: RequestKey,
        chunk: Bytes,
        /// As for a message, until it is read.
        #[serde(skip)]
        held: MemoryPermit,
    },
    /// The body of a request is over: all came, or no more will.
    BodyEnd {
        request: RequestKey,
        fault: Option<BodyFault>,
    },
    /// The client has taken chunks of a response that count so many bytes; as many more may come.
    Drained {
        request: RequestKey,
        bytes: u64,
    },
    /// The client of a request is gone.
    Gone {
        request: RequestKey,
    },
    /// The time of the object's alarm has come, as far as the index of alarms knows.
    Alarm,
}

impl ToObject {
    /// The connection that it asks to let in.
    pub(crate) fn connects(&self) -> Option<ConnectionKey> {
        match self {
            Self::Connect { connection, .. } => Some(*connection),
            _ => None,
        }
    }

    /// The connection that it is about, besides a request for one.
    pub(crate) fn connection(&self) -> Option<ConnectionKey> {
        match self {
            Self::Message { connection, .. }
            | Self::Close { connection, .. }
            | Self::Error { connection, .. } => Some(*connection),
            _ => None,
        }
    }

    /// How many bytes of a client's it carries, besides its head.
    pub(crate) fn payload(&self) -> usize {
        match self {
            Self::Message { message, .. } => message.len(),
            Self::Request { body, .. } => body.len(),
            Self::BodyChunk { chunk, .. } => chunk.len(),
            _ => 0,
        }
    }

    /// The request that it begins.
    pub(crate) fn asks(&self) -> Option<RequestKey> {
        match self {
            Self::Request { request, .. } => Some(*request),
            _ => None,
        }
    }

    /// The request under way that it is about, and nothing to a life that did not begin it.
    pub(crate) fn about_request(&self) -> Option<RequestKey> {
        match self {
            Self::Drained { request, .. }
            | Self::Gone { request }
            | Self::BodyChunk { request, .. }
            | Self::BodyEnd { request, .. } => Some(*request),
            _ => None,
        }
    }
}

/// Whom a message is for.
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

/// Some of an object's accepted connections; the default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Selection {
    /// Only those that have all of these tags.
    pub(crate) all_tags: Vec<String>,
    /// Only those that have one of these tags; `None` asks for none.
    pub(crate) any_tag: Option<Vec<String>>,
    /// Not those with one of these flags.
    pub(crate) without: Flags,
    pub(crate) except: Vec<ConnectionKey>,
}

impl Selection {
    /// Tells whether a connection is one of them.
    pub(crate) fn has(&self, connection: ConnectionKey, tags: &[String], flags: Flags) -> bool {
        !flags.has(self.without)
            && self.all_tags.iter().all(|tag| tags.contains(tag))
            && self.any_tag.as_ref().is_none_or(|any| any.iter().any(|tag| tags.contains(tag)))
            && !self.except.contains(&connection)
    }
}

/// From the object to the gateway.
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
        /// A message that makes earlier ones of this kind needless: to a client that is behind, it
        /// is sent in the place of one that has not left yet.
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
    /// So many messages of the connection are done, with so many bytes; it may send as many more.
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
        /// Whether the body is whole; a broken one must not look complete to the client.
        complete: bool,
    },
    /// The object has read so many bytes of the body of a request; as many more may come.
    BodyCredit {
        request: RequestKey,
        bytes: u64,
    },
    /// The object waits until the client of a connection has taken nearly all that was sent to it; then this request
    /// ends, or when the connection does.
    AwaitRoom {
        connection: ConnectionKey,
        request: RequestKey,
    },
    /// Sets or takes away what the gateway answers by itself, on all connections.
    AutoResponse {
        pair: Option<AutoResponse>,
    },
}

impl ToGateway {
    /// Returns how many bytes it takes while it waits, about.
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
            | Self::AutoResponse { pair: None } => 0,
        };
        carried + FRAME_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_serialisation() {
        let key = ConnectionKey(7);
        let head = Box::new(Head {
            method: "GET".into(),
            uri: "/agents/a/b?x=1".into(),
            headers: vec![("x".into(), Bytes::from_static(b"\xff"))],
            peer: None,
            origin: RequestOrigin { identity: Some(r#"{"id":1}"#.into()), same_site: true },
            client: None,
            call: Some(Box::new(CallHead { method: "post".into(), callers: Vec::new() })),
        });
        for message in [
            ToObject::Connect { connection: key, id: "c".into(), head: head.clone() },
            ToObject::Message {
                connection: key,
                message: Message::from(vec![0, 255]),
                held: MemoryPermit::default(),
            },
            ToObject::Close { connection: key, close: Close::dropped(), info: None },
            ToObject::Request {
                request: RequestKey(1),
                head,
                body: Bytes::from_static(b"\0"),
                more: true,
                held: MemoryPermit::default(),
            },
            ToObject::BodyChunk {
                request: RequestKey(1),
                chunk: Bytes::from_static(b"\xff"),
                held: MemoryPermit::default(),
            },
            ToObject::BodyEnd { request: RequestKey(1), fault: Some(BodyFault::TooLarge) },
        ] {
            let json = serde_json::to_string(&message).unwrap();
            assert_eq!(serde_json::from_str::<ToObject>(&json).unwrap(), message);
        }
        let selection = Selection { except: vec![key], without: Flags::bit(1), ..Selection::default() };
        let send = ToGateway::Send {
            targets: Targets::Many(Box::new(selection)),
            message: Message::from("hi"),
            latest: true,
        };
        let json = serde_json::to_string(&send).unwrap();
        assert_eq!(serde_json::from_str::<ToGateway>(&json).unwrap(), send);
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
