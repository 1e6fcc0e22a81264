//! What a durable object does when something happens.

use std::net::IpAddr;

use axum::response::IntoResponse;
use http::StatusCode;

use crate::error::{Error, Result};
use crate::gateway::{Close, Message};
use crate::object::{AlarmInfo, ObjectContext, ObjectOptions, RequestBody, WebSocket};

/// The address of a client, in the extensions of its [`Request`]: whom a
/// [trusted proxy](crate::Agents::trusted_proxies) speaks for, or the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

/// A request that `fetch` handles.
pub type Request = http::Request<RequestBody>;
/// The answer to a [`Request`].
pub type Response = axum::response::Response;

/// A named object with storage and WebSockets, which sleeps while nothing happens.
///
/// An object exists under its class and its name from its first use on. Its memory, the fields of the
/// struct, lasts while it is awake: after some idle seconds the value is dropped, and its
/// WebSockets stay open. The next event makes a new value, runs [`start`](Self::start), and then the
/// handler of the event. What has to last belongs into [`ObjectContext::storage`],
/// [`ObjectContext::sql`] or the attachment of a WebSocket.
///
/// Handlers take `&self` and take turns at their awaits; they never run in parallel. All writes
/// between two awaits count together or not at all, and nothing that was sent leaves before the
/// writes before it are on the disk.
///
/// ```
/// use agents_core::http::StatusCode;
/// use agents_core::object::{DurableObject, ObjectContext, Request, Response, WebSocket, WebSocketUpgrade};
/// use agents_core::{Agents, Message, Result, axum::response::IntoResponse};
///
/// #[derive(Default)]
/// struct Room;
///
/// impl DurableObject for Room {
///     async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
///         let Some(upgrade) = WebSocketUpgrade::take(&mut request) else {
///             return Ok((StatusCode::OK, "a room").into_response());
///         };
///         cx.accept_web_socket(upgrade, ["chat", "room:general"])?;
///         Ok(StatusCode::SWITCHING_PROTOCOLS.into_response())
///     }
///
///     async fn web_socket_message(&self, cx: &ObjectContext, _from: &WebSocket, message: Message) -> Result<()> {
///         cx.get_web_sockets().tag("room:general").send(message)
///     }
/// }
///
/// let agents = Agents::new().register_object::<Room>("room");
/// # let _ = agents;
/// ```
pub trait DurableObject: Sized + Send + Sync + 'static {
    /// The options of the class.
    fn options() -> ObjectOptions {
        ObjectOptions::default()
    }

    /// Runs once each time the object wakes, before any other handler.
    ///
    /// When it fails the event fails that woke the object, and the next one tries again. It has 30 s
    /// ([`Limits::start_timeout`](crate::Limits::start_timeout)): after that it is dropped, and everything fails that
    /// has come by then.
    fn start(&mut self, cx: &ObjectContext) -> impl Future<Output = Result<()>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Answers an HTTP request, or accepts a WebSocket (see [`WebSocketUpgrade`]).
    ///
    /// An error is answered with 500 and the error's text as far as clients may read it, a rejection of one of
    /// axum's own extractors with its status. Without this handler requests are answered with 404.
    ///
    /// [`WebSocketUpgrade`]: crate::object::WebSocketUpgrade
    fn fetch(&self, cx: &ObjectContext, request: Request) -> impl Future<Output = Result<Response>> + Send {
        let _ = (cx, request);
        async { Ok((StatusCode::NOT_FOUND, "Not implemented").into_response()) }
    }

    /// Handles a message. Messages of one WebSocket start in their order. An error is logged.
    fn web_socket_message(
        &self,
        cx: &ObjectContext,
        socket: &WebSocket,
        message: Message,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (cx, socket, message);
        async { Ok(()) }
    }

    /// Hears that a WebSocket was closed, once, whoever closed it. It is no longer listed.
    fn web_socket_close(
        &self,
        cx: &ObjectContext,
        socket: &WebSocket,
        close: Close,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (cx, socket, close);
        async { Ok(()) }
    }

    /// Hears that a client broke the protocol (code `protocol`; the close follows), or that a
    /// handler took too long (code `event_timeout`).
    fn web_socket_error(
        &self,
        cx: &ObjectContext,
        socket: &WebSocket,
        error: Error,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (cx, socket);
        async { Err(error) }
    }

    /// Handles the alarm that [`ObjectContext::set_alarm`] set. It comes at least once: after an
    /// error it is tried again, later and later. It has 15 minutes
    /// ([`Limits::alarm_timeout`](crate::Limits::alarm_timeout)): after that it is dropped, and counts as failed.
    fn alarm(&self, cx: &ObjectContext, alarm: AlarmInfo) -> impl Future<Output = Result<()>> + Send {
        let _ = (cx, alarm);
        async { Ok(()) }
    }

    /// Called when [`alarm`](Self::alarm) took too long and was dropped (code `alarm_timeout`); it is tried again. An
    /// error is logged.
    fn alarm_timed_out(&self, cx: &ObjectContext, error: Error) -> impl Future<Output = Result<()>> + Send {
        let _ = cx;
        async { Err(error) }
    }

    /// Runs before the object falls asleep or the host stops. What it writes and sends counts.
    ///
    /// After a crash it has not run.
    fn hibernate(&self, cx: &ObjectContext) -> impl Future<Output = Result<()>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Hears that the body of a response failed after `fetch` had returned it; the client sees a
    /// broken body. An error is logged.
    fn response_failed(&self, cx: &ObjectContext, error: Error) -> impl Future<Output = Result<()>> + Send {
        let _ = cx;
        async { Err(error) }
    }

    /// Answers a message for which the object could not be started; by default it is dropped.
    ///
    /// # Errors
    /// When the answer cannot be sent; it is logged.
    fn start_failed(cx: &ObjectContext, socket: &WebSocket, message: &Message, error: &Error) -> Result<()> {
        let _ = (cx, socket, message, error);
        Ok(())
    }
}
