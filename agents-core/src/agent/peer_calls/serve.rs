//! Calls from other agents: found in the table, run, answered in lines.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use axum::body::Body;
use axum::response::Response;
use futures_core::Stream;
use thiserror::Error as ThisError;

use crate::agent::peer_calls::backlog::{LineReceiver, backlog};
use crate::agent::peer_calls::call_chain::CallChain;
use crate::agent::peer_calls::reply_frame::ReplyFrame;
use crate::agent::rpc::call_log::CallLog;
use crate::agent::rpc::response_stream::ReplySink;
use crate::agent::{Agent, AgentShared, Call, CallContext, Callable};
use crate::error::{Error, Result};
use crate::interface::Outcome;
use crate::object::report;
use crate::object::{BoxFuture, ObjectKey, RequestBody};

impl<A: Agent> AgentShared<A> {
    /// Runs a call from another agent, or from the program, and answers it.
    pub(in crate::agent) async fn called(
        self: Arc<Self>,
        agent: Arc<A>,
        method: String,
        chain: CallChain,
        body: RequestBody,
    ) -> Result<Response> {
        let Some(callable) = self.table.callable(&method) else {
            let methods = self.table.callables.iter().map(|callable| callable.name);
            let error = Error::new("unknown_method", self.unknown_method(&method, methods));
            return respond(self.object.key(), Err(error), &method);
        };
        let frame: Arc<str> = String::from_utf8(body.bytes(usize::MAX).await?.into())
            .map_err(|error| Error::hidden("peer_frame", error))?
            .into();
        let mut cx = self.context();
        cx.callable = Some(callable.name);
        cx.chain = chain;
        let arguments = 0..frame.len();
        let parts = CallContext { cx, connection: None, request: None, answer: None };
        let mut call = Call { agent, parts, frame, arguments };
        if !callable.streaming {
            let mut log = CallLog::begin(&self.object, None, callable.name);
            let outcome = self.invoke(callable, call).await;
            log.ended(&outcome);
            return respond(self.object.key(), outcome, callable.rust_name);
        }
        let (sender, lines) = backlog(self.object.piece_bytes(), self.object.outgoing());
        let answer = Arc::new(ReplySink::to_agent(self.object.clone(), sender));
        call.parts.answer = Some(answer.clone());
        let handler = Box::pin(self.answer_in_lines(callable, call, answer.clone()));
        Ok(Response::new(Body::from_stream(StreamedReply { lines, handler: Some(handler) })))
    }

    async fn answer_in_lines(
        self: Arc<Self>,
        callable: &'static Callable<A>,
        call: Call<A>,
        answer: Arc<ReplySink>,
    ) {
        // A reply that cannot be written as a line is not sent; the reader sees that the body ended early.
        let mut log = CallLog::begin(&self.object, None, callable.name);
        let outcome = self.invoke(callable, call).await;
        log.ended(&outcome);
        let _ = match outcome {
            Ok(outcome) => answer.end(&outcome),
            Err(error) => {
                answer.fail(error.code(), report::for_caller(self.object.key(), &error, callable.rust_name))
            }
        };
    }
}

/// Returns the reply of a method that does not stream.
fn respond(agent: &ObjectKey, outcome: Result<Outcome>, method: &str) -> Result<Response> {
    let line = match outcome {
        Ok(Outcome::Nothing) => ReplyFrame::result(None)?,
        Ok(Outcome::Value(json)) => ReplyFrame::result(Some(json))?,
        Err(error) => {
            let (message, id) = report::for_caller(agent, &error, method);
            ReplyFrame::Error { code: error.code().to_owned(), message, id }
        }
    };
    Ok(Response::new(Body::from(line.write()?)))
}

/// The error of a line that cannot be written.
#[derive(Debug, ThisError)]
#[error("{0}")]
struct EncodeError(String);

/// The body of a streamed reply. The handler is polled while the reader takes lines, and is dropped with the
/// body.
struct StreamedReply {
    lines: LineReceiver,
    handler: Option<BoxFuture<'static, ()>>,
}

impl Stream for StreamedReply {
    type Item = Result<String, EncodeError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let Self { lines, handler } = &mut *self;
        loop {
            if let Poll::Ready(line) = lines.poll_next(cx) {
                return Poll::Ready(Some(line.write().map_err(|error| EncodeError(error.to_string()))));
            }
            match handler.as_mut().map(|handler| handler.as_mut().poll(cx)) {
                Some(Poll::Ready(())) => *handler = None,
                // The lines that the handler just added wake this task, but they can be sent now.
                Some(Poll::Pending) if !lines.is_empty() => {}
                Some(Poll::Pending) => return Poll::Pending,
                // A clone of the reply may outlive the handler; its lines would come after the end.
                None => return Poll::Ready(None),
            }
        }
    }
}
