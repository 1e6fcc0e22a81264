//! HTTP requests to an agent.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http_body::{Frame, SizeHint};

use crate::agent::instance::user_code::CurrentAgent;
use crate::agent::peer_calls::call_chain::CallChain;
use crate::agent::{Agent, AgentError, AgentShared, CallContext, Context, ErrorSource, Request};
use crate::object::error_response;

impl<A: Agent> AgentShared<A> {
    /// Answers an HTTP request of a client, or of the chain that forwards it.
    pub(in crate::agent) async fn request(
        self: Arc<Self>,
        agent: Arc<A>,
        chain: CallChain,
        request: Request,
    ) -> Response {
        let Some(hook) = self.table.hooks.on_request else {
            let text = match self.object.hints() {
                true => format!(
                    "Not implemented: agents of the class `{}` have no hook `on_request`",
                    self.object.class()
                ),
                false => "Not implemented".to_owned(),
            };
            return (StatusCode::NOT_FOUND, text).into_response();
        };
        let cx = Context { chain, ..self.context() };
        let parts = CallContext { cx: cx.clone(), ..self.parts() };
        let answering = cx.chain.answering();
        let answer = self.guard(cx.clone(), hook(agent, parts, request)).await;
        drop(answering);
        match answer {
            Ok(response) => {
                let ambient = CurrentAgent::new(cx);
                response.map(|body| Body::new(CurrentAgentBody { body, ambient }))
            }
            Err(error) => {
                let response = error_response(self.object.key(), &error, "on_request");
                // Another status is an answer of the handler, and nothing has failed.
                if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
                    self.on_reported(AgentError::Server { error, source: ErrorSource::Request }).await;
                }
                response
            }
        }
    }
}

/// The body of a response. Code that runs while the body streams is user code like the hook before it.
struct CurrentAgentBody<A: Agent> {
    body: Body,
    ambient: CurrentAgent<A>,
}

impl<A: Agent> http_body::Body for CurrentAgentBody<A> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> task::Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { body, ambient } = &mut *self;
        match ambient.run(|| Pin::new(body).poll_frame(cx)) {
            Ok(polled) => polled,
            Err(panic) => {
                let panic = io::Error::other(panic.to_string());
                task::Poll::Ready(Some(Err(axum::Error::new(panic))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
