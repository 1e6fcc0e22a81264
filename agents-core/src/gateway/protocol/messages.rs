//! The messages between the gateway and an object, and their contents.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::gateway::{BodyFault, CallHead, Close, FRAME_BYTES, Flags, MemoryPermit, Message, RequestOrigin};

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

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) method: String,
    /// The path and query as the client sent them.
    pub(crate) uri: String,
    pub(crate) headers: Vec<(String, Bytes)>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) origin: RequestOrigin,
    /// The client that the peer speaks for, or the peer itself.
    pub(crate) client: Option<IpAddr>,
    /// The call, when an agent or the program itself calls a method.
    pub(crate) call: Option<Box<CallHead>>,
}

/// The head of a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResponseHead {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Bytes)>,
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
        held: MemoryPermit,
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
        held: MemoryPermit,
    },
    /// A further part of the body of a request.
    BodyChunk {
        request: RequestKey,
        chunk: Bytes,
        /// The part of the incoming budget, until the chunk is read.
        #[serde(skip)]
        held: MemoryPermit,
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
    /// The object's alarm is due according to the index of alarms.
    Alarm,
}

impl ToObject {
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
    pub(crate) fn asks(&self) -> Option<RequestKey> {
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
    /// Ends this request when the client of the connection has received nearly all bytes that were sent to
    /// it, or when the connection ends.
    AwaitRoom {
        connection: ConnectionKey,
        request: RequestKey,
    },
    /// Sets or removes the auto-response of all connections.
    AutoResponse {
        pair: Option<AutoResponse>,
    },
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
