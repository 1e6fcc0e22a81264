//! The handlers of a durable object.

use std::net::IpAddr;

use axum::response::IntoResponse;
use http::StatusCode;

use crate::error::{Error, Result};
use crate::gateway::{Close, Message};
use crate::object::{AlarmInfo, ObjectContext, ObjectOptions, RequestBody, WebSocket, report};

/// The address of a client, in the extensions of its [`Request`]: the address that a
/// [trusted proxy](crate::Agents::trusted_proxies) reports, or the address of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

/// A request that `fetch` handles.
pub type Request = http::Request<RequestBody>;
/// The response to a [`Request`].
pub type Response = axum::response::Response;

/// A named object with storage and WebSockets that hibernates while no event arrives.
///
/// An object exists under its class and its name from its first use. Its memory, the fields of the struct,
/// lasts while the object is awake: after some idle seconds the value is dropped, and its WebSockets stay
/// open. The next event creates a new value, runs [`start`](Self::start), and then runs the handler of the
/// event. Data that must last belongs into [`ObjectContext::storage`], [`ObjectContext::sql`] or the
/// attachment of a WebSocket.
///
/// Handlers take `&self` and run in turns that change at their awaits; they never run in parallel. The writes
/// between two awaits are committed together or not at all. A message is sent to the client only after all
/// earlier writes are on the disk.
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
    /// Returns the options of the class.
    fn options() -> ObjectOptions {
        ObjectOptions::default()
    }

    /// Called each time the object wakes, before any other handler.
    ///
    /// # Limits
    /// The start has 30 s ([`Limits::start_timeout`](crate::Limits::start_timeout)). After that the start is
    /// dropped, and every event that has arrived by then fails.
    ///
    /// # Errors
    /// The event that woke the object fails with the error. The next event starts the object again.
    fn start(&mut self, cx: &ObjectContext) -> impl Future<Output = Result<()>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Handles an HTTP request, or accepts a WebSocket (see [`WebSocketUpgrade`]).
    ///
    /// Without this handler the response to every request is 404.
    ///
    /// # Errors
    /// The response to an error has its [status](Error::status) and the part of its text that clients may
    /// read. A WebSocket that is not accepted yet is closed with 4000 and the status.
    ///
    /// [`WebSocketUpgrade`]: crate::object::WebSocketUpgrade
    fn fetch(&self, cx: &ObjectContext, request: Request) -> impl Future<Output = Result<Response>> + Send {
        let _ = request;
        let text = match cx.hints() {
            true => "Not implemented: the object has no `fetch` handler",
            false => "Not implemented",
        };
        async move { Ok((StatusCode::NOT_FOUND, text).into_response()) }
    }

    /// Handles a message. The handlers of one WebSocket start in the order of its messages.
    ///
    /// # Errors
    /// An error is logged.
    fn web_socket_message(
        &self,
        cx: &ObjectContext,
        socket: &WebSocket,
        message: Message,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (cx, socket, message);
        async { Ok(()) }
    }

    /// Called exactly once when a WebSocket has closed, no matter which side closed it.
    ///
    /// The socket no longer appears in [`ObjectContext::get_web_sockets`] when this handler runs. If the
    /// object was hibernating, the close wakes it; [`ObjectOptions::wakes_on_close`] turns that off.
    ///
    /// # Errors
    /// An error is logged.
    fn web_socket_close(
        &self,
        cx: &ObjectContext,
        socket: &WebSocket,
        close: Close,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (cx, socket, close);
        async { Ok(()) }
    }

    /// Called when a client violated the protocol (code `protocol`; the close follows), or when a handler
    /// took too long (code `event_timeout`).
    ///
    /// # Errors
    /// An error is logged. The default returns `error`.
    fn web_socket_error(
        &self,
        cx: &ObjectContext,
        socket: &WebSocket,
        error: Error,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (cx, socket);
        async { Err(error) }
    }

    /// Handles the alarm that [`ObjectContext::set_alarm`] set. The handler runs at least once.
    ///
    /// # Limits
    /// The handler has 15 minutes ([`Limits::alarm_timeout`](crate::Limits::alarm_timeout)). After that it is
    /// dropped, and the attempt counts as failed.
    ///
    /// # Errors
    /// After an error the alarm is retried, with increasing pauses.
    fn alarm(&self, cx: &ObjectContext, alarm: AlarmInfo) -> impl Future<Output = Result<()>> + Send {
        let _ = (cx, alarm);
        async { Ok(()) }
    }

    /// Called when [`alarm`](Self::alarm) took too long and was dropped (code `alarm_timeout`). The alarm is
    /// retried.
    ///
    /// # Errors
    /// An error is logged. The default returns `error`.
    fn alarm_timed_out(&self, cx: &ObjectContext, error: Error) -> impl Future<Output = Result<()>> + Send {
        let _ = cx;
        async { Err(error) }
    }

    /// Called before the object hibernates or the host stops. Its writes are committed and its messages are
    /// sent.
    ///
    /// After a crash it was not called.
    ///
    /// # Errors
    /// An error is logged.
    fn hibernate(&self, cx: &ObjectContext) -> impl Future<Output = Result<()>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Called when the body of a response failed after `fetch` had returned it. The client receives a
    /// truncated body.
    ///
    /// # Errors
    /// An error is logged. The default returns `error`.
    fn response_failed(&self, cx: &ObjectContext, error: Error) -> impl Future<Output = Result<()>> + Send {
        let _ = cx;
        async { Err(error) }
    }

    /// Answers a message for which the object could not be started. The default logs the error and drops the
    /// message.
    ///
    /// # Errors
    /// Fails when the answer cannot be sent. The error is logged.
    fn start_failed(cx: &ObjectContext, socket: &WebSocket, message: &Message, error: &Error) -> Result<()> {
        let _ = (socket, message);
        report::handler_failed(cx.key(), error);
        Ok(())
    }
}
