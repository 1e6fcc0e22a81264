//! A live agent: events in, hooks and callables out.

use std::sync::Arc;

use bytes::Bytes;

use crate::agent::rpc::Found;
use crate::agent::scope::Scoped;
use crate::agent::{
    Agent, AgentCore, AgentError, AgentTypes, ConnectRequest, Connection, Context, ErrorSource, Parts,
};
use crate::error::{Error, Result};
use crate::gateway::{Close, Head, Message, RequestKey, Targets};
use crate::object::{BoxFuture, ConnectionEntry, Instance};
use crate::wire::frame::{self, ClientFrame};

/// The instance that the object layer holds.
pub(super) struct AgentInstance<A: Agent> {
    pub(super) core: Arc<AgentCore<A>>,
    pub(super) agent: Arc<A>,
    pub(super) send_identity: bool,
}

impl<A: AgentTypes> AgentCore<A> {
    /// What hooks without a connection are given.
    pub(super) fn parts(self: &Arc<Self>) -> Parts<A> {
        Parts { cx: self.context(), connection: None, request: None, answer: None }
    }

    /// What the hooks of an open connection are given.
    pub(super) fn parts_of(self: &Arc<Self>, connection: &Connection<A>) -> Parts<A> {
        Parts {
            cx: Context { core: self.clone(), caller: Some(connection.clone()) },
            connection: Some(connection.clone()),
            request: None,
            answer: None,
        }
    }

    /// Runs user code that gives a result of its own kind; a panic becomes an error.
    pub(super) fn scoped<T>(&self, cx: Context<A>, future: BoxFuture<'static, T>) -> Scoped<T> {
        Scoped::new(cx, future)
    }

    /// Runs user code; a panic becomes its error.
    pub(super) fn guard<T: 'static>(
        &self,
        cx: Context<A>,
        future: BoxFuture<'static, Result<T>>,
    ) -> impl Future<Output = Result<T>> + Send + use<A, T> {
        let scoped = Scoped::new(cx, future);
        async move { scoped.await? }
    }

    /// Tells the error hook; without one, or when it passes the error on, the error is logged.
    pub(crate) async fn on_error(self: &Arc<Self>, error: AgentError<A>) {
        let (Some(agent), Some(hook)) = (self.agent.get(), self.table.hooks.on_error) else {
            return self.log(error.error());
        };
        let parts = match &error {
            AgentError::Connection { connection, .. } => self.parts_of(connection),
            AgentError::Server { .. } => self.parts(),
        };
        if let Err(error) = self.guard(self.context(), hook(agent.clone(), parts, error)).await {
            self.log(&error);
        }
    }

    fn log(&self, error: &Error) {
        tracing::error!(agent = ?self.object.key(), code = error.code(), "a handler failed: {error}");
    }
}

impl<A: Agent> AgentInstance<A> {
    fn connection(&self, entry: Arc<ConnectionEntry>) -> Connection<A> {
        Connection { core: self.core.clone(), entry }
    }

    /// Runs a hook of a connection; its error goes to the error hook.
    fn told(
        &self,
        connection: Connection<A>,
        hook: BoxFuture<'static, Result<()>>,
    ) -> BoxFuture<'static, bool> {
        let core = self.core.clone();
        Box::pin(async move {
            let cx = core.parts_of(&connection).cx;
            if let Err(error) = core.guard(cx, hook).await {
                core.on_error(AgentError::Connection { connection, error }).await;
            }
            true
        })
    }

    fn on_message(&self, connection: Connection<A>, message: Message) -> BoxFuture<'static, bool> {
        match self.core.table.hooks.on_message {
            Some(hook) => {
                let hook = hook(self.agent.clone(), self.core.parts_of(&connection), message);
                self.told(connection, hook)
            }
            None => done(),
        }
    }

    fn push(&self, connection: Connection<A>, text: Arc<str>) -> BoxFuture<'static, bool> {
        let core = self.core.clone();
        Box::pin(async move {
            // Parsed again, in the turn: what borrows from the text cannot wait beside it.
            let ClientFrame::State(state) = frame::parse(&text) else { return true };
            if let Err(refusal) = core.push(&connection, state) {
                let answer = Message::Text(frame::state_error(refusal));
                let sent = core.object.send(Targets::One(connection.entry.key), answer);
                if let Err(error) = sent {
                    core.log(&error);
                }
            }
            true
        })
    }
}

fn done() -> BoxFuture<'static, bool> {
    Box::pin(std::future::ready(true))
}

impl<A: Agent> Instance for AgentInstance<A> {
    fn connect(self: Arc<Self>, entry: Arc<ConnectionEntry>, head: Head) -> BoxFuture<'static, bool> {
        let connection = self.connection(entry);
        let request = ConnectRequest::new(head);
        let identity = self.send_identity;
        Box::pin(self.core.clone().connect(self.agent.clone(), connection, request, identity))
    }

    fn message(self: Arc<Self>, entry: Arc<ConnectionEntry>, message: Message) -> BoxFuture<'static, bool> {
        let connection = self.connection(entry);
        let text = match message {
            Message::Text(text) => text,
            binary @ Message::Binary(_) => return self.on_message(connection, binary),
        };
        match frame::parse(&text) {
            ClientFrame::Rpc(call) => {
                let found = Found::new(&self.core, &text, &call);
                self.core.clone().run_call(self.agent.clone(), connection, text.into(), found)
            }
            ClientFrame::State(_) => self.push(connection, text.into()),
            ClientFrame::Other => self.on_message(connection, Message::Text(text)),
        }
    }

    fn close(self: Arc<Self>, entry: Arc<ConnectionEntry>, close: Close) -> BoxFuture<'static, bool> {
        let connection = self.connection(entry);
        match self.core.table.hooks.on_close {
            Some(hook) => {
                let hook = hook(self.agent.clone(), self.core.parts_of(&connection), close);
                self.told(connection, hook)
            }
            None => done(),
        }
    }

    fn error(self: Arc<Self>, entry: Arc<ConnectionEntry>, error: String) -> BoxFuture<'static, bool> {
        let connection = self.connection(entry);
        let core = self.core.clone();
        Box::pin(async move {
            let error = Error::hidden("protocol", error);
            core.on_error(AgentError::Connection { connection, error }).await;
            true
        })
    }

    fn request(self: Arc<Self>, request: RequestKey, head: Head, body: Bytes) -> BoxFuture<'static, bool> {
        let work = self.core.clone().request(self.agent.clone(), request, head, body);
        Box::pin(async move {
            work.await;
            true
        })
    }

    fn hibernate(self: Arc<Self>) -> BoxFuture<'static, bool> {
        let Some(hook) = self.core.table.hooks.on_hibernate else { return done() };
        let core = self.core.clone();
        let hook = hook(self.agent.clone(), core.parts());
        Box::pin(async move {
            if let Err(error) = core.guard(core.context(), hook).await {
                core.on_error(AgentError::Server { error, source: ErrorSource::Hibernate }).await;
            }
            true
        })
    }
}
