//! HTTP requests to an agent.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;

use crate::agent::{Agent, AgentCore, AgentError, ErrorSource, Request, report};
use crate::error::{Error, Result};
use crate::gateway::{Head, RequestKey, ResponseHead, ToGateway};

impl<A: Agent> AgentCore<A> {
    /// Answers a request and streams the body of the response.
    pub(super) async fn request(
        self: Arc<Self>,
        agent: Arc<A>,
        request: RequestKey,
        head: Head,
        body: Bytes,
    ) {
        let response = match self.respond(agent, head, body).await {
            Ok(response) => response,
            Err(error) => {
                let text = report::client_text(&error, "on_request");
                self.on_error(AgentError::Server { error, source: ErrorSource::Request }).await;
                (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
            }
        };
        let streamed = self.clone().stream(request, response);
        let complete = match self.guard(self.context(), Box::pin(streamed)).await {
            Ok(()) => true,
            Err(error) => {
                self.on_error(AgentError::Server { error, source: ErrorSource::Request }).await;
                false
            }
        };
        self.object.close_window(request);
        if let Err(error) = self.object.effect(ToGateway::RespondEnd { request, complete }) {
            tracing::error!(agent = ?self.object.key(), %error, "a response was not ended");
        }
    }

    async fn respond(self: &Arc<Self>, agent: Arc<A>, head: Head, body: Bytes) -> Result<Response> {
        let Some(hook) = self.table.hooks.on_request else {
            return Ok((StatusCode::NOT_FOUND, "Not implemented").into_response());
        };
        let request = http_request(head, body)?;
        self.guard(self.context(), hook(agent, self.parts(), request)).await
    }

    async fn stream(self: Arc<Self>, request: RequestKey, response: Response) -> Result<()> {
        let (parts, mut body) = response.into_parts();
        let headers = parts.headers.iter();
        let head = ResponseHead {
            status: parts.status.as_u16(),
            headers: headers
                .map(|(name, value)| (name.to_string(), Bytes::copy_from_slice(value.as_bytes())))
                .collect(),
        };
        let window = self.object.open_window(request);
        self.object.effect(ToGateway::Respond { request, head })?;
        while let Some(frame) = body.frame().await {
            let Ok(chunk) = frame?.into_data() else { continue };
            if chunk.is_empty() {
                continue;
            }
            if !window.acquire().await {
                break;
            }
            self.object.effect(ToGateway::RespondChunk { request, chunk })?;
        }
        Ok(())
    }
}

fn http_request(head: Head, body: Bytes) -> Result<Request> {
    let mut builder = http::Request::builder().method(head.method.as_str()).uri(head.uri.as_str());
    for (name, value) in &head.headers {
        builder = builder.header(name.as_str(), &value[..]);
    }
    if let Some(peer) = head.peer {
        builder = builder.extension(axum::extract::ConnectInfo(peer));
    }
    builder.body(Body::from(body)).map_err(Error::from)
}
