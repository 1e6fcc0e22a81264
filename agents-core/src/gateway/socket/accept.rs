//! The start of a socket: registered with a hub, or refused.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::gateway::hub::{Hub, RegisterError};
use crate::gateway::socket::codec::{self, Decoder, Incoming};
use crate::gateway::socket::events;
use crate::gateway::socket::task::{CLOSE_TIMEOUT, Task};
use crate::gateway::socket::{Socket, Stream};
use crate::gateway::{Close, ConnectionSlot, Gateway, Head, ObjectPort, ToObject, post};
use crate::limits::Limit;
use crate::wire::close_code;

/// Hands a socket to an object and returns the task that serves it; `None` if the socket was refused.
///
/// `find` looks the object up, and again if its handle was retired meanwhile. `wanted` is the id that the
/// client requested. If a live socket has that id, this one gets a new id; a dead socket is replaced.
pub(crate) async fn accept(
    stream: Stream,
    find: impl Fn() -> (Arc<Hub>, Arc<dyn ObjectPort>) + Send,
    wanted: Option<String>,
    head: Head,
    slot: ConnectionSlot,
) -> Option<Task> {
    let (mut hub, mut port) = find();
    let socket = Socket::new();
    let mut id = wanted.unwrap_or_else(|| nanoid::nanoid!());
    loop {
        match hub.register(&socket, &id, &head.uri) {
            Ok(()) => break,
            Err(RegisterError::Retired) => (hub, port) = find(),
            Err(RegisterError::Full) => {
                hub.gateway.totals.limits.record(Limit::ConnectionsPerAgent);
                refuse(stream, &hub.gateway, close_code::TOO_MANY, "too many connections").await;
                return None;
            }
            Err(RegisterError::Taken(other)) => {
                if other.is_alive().await {
                    id = nanoid::nanoid!();
                } else {
                    other.close_now(codec::close(Some(close_code::GOING_AWAY), "replaced"), &hub);
                    // The close of the old socket reaches the object before the new connection.
                    if let Some(close) = other.end(&hub, Close::dropped()) {
                        events::closed(&*port, &other, close_code::ABNORMAL, "replaced");
                        // An object that is out of use needs no close.
                        let _ = post(&*port, close).await;
                        hub.close_delivered();
                    }
                }
            }
        }
    }
    hub.gateway.heartbeat.watch(&socket);
    events::opened(&*port, &id);
    let connect = ToObject::Connect { connection: socket.key, id, head: Box::new(head) };
    Some(Task::new(stream, socket, hub, port, connect, slot))
}

/// Refuses a socket: only the close frame is sent.
pub(crate) async fn refuse(stream: Stream, gateway: &Gateway, code: u16, reason: &str) {
    gateway.totals.refused.add(1);
    // Refused sockets count for no limit of connections, so they have a limit of their own.
    let permit = gateway.pending_refusals.try_acquire();
    let close_timeout = if permit.is_ok() { CLOSE_TIMEOUT } else { Duration::ZERO };
    let Stream { mut io, early } = stream;
    let frame = codec::close(Some(code), reason);
    let answered = async {
        io.write_all(&frame).await?;
        io.flush().await?;
        // The peer's own close frame or the end of the stream follows. Waiting for it keeps our close frame
        // from being lost to a reset.
        let mut decoder = Decoder::new(1024);
        let mut incoming = VecDeque::new();
        let mut broken = decoder.push(&early, &mut incoming).is_err();
        let mut buffer = [0; 512];
        while !broken && !incoming.iter().any(|frame| matches!(frame, Incoming::Close(_))) {
            incoming.clear();
            let read = io.read(&mut buffer).await?;
            broken = read == 0 || decoder.push(&buffer[..read], &mut incoming).is_err();
        }
        io.shutdown().await
    };
    // The result is the same with and without the peer's close frame.
    let _ = timeout(close_timeout, answered).await;
}
