//! An object that sends back each message, for suites that do not know agents.

use agents::axum::response::IntoResponse;
use agents::http::StatusCode;
use agents::object::{DurableObject, ObjectContext, Request, Response, WebSocket, WebSocketUpgrade};
use agents::{Message, Result};

#[derive(Default)]
pub(crate) struct Echo;

impl DurableObject for Echo {
    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        if let Some(upgrade) = WebSocketUpgrade::take(&mut request) {
            cx.accept_web_socket(upgrade, [""; 0])?;
        }
        Ok(StatusCode::SWITCHING_PROTOCOLS.into_response())
    }

    async fn web_socket_message(&self, _: &ObjectContext, from: &WebSocket, message: Message) -> Result<()> {
        from.send(message)
    }
}
