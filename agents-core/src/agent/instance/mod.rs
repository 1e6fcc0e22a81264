//! An awake agent: receives the events of its object and runs hooks and callables.

pub(super) mod activation_data;
pub(super) mod shared;
pub(super) mod user_code;

use std::sync::Arc;

use crate::agent::class::AgentObject;
use crate::agent::instance::user_code::UserFuture;
use crate::agent::peer_calls::call_chain::CallChain;
use crate::agent::peer_calls::call_head::CallHead;
use crate::agent::rpc::dispatch::ResolvedCall;
use crate::agent::{
    Agent, AgentDefinition, AgentError, AgentShared, CallContext, ConnectRequest, Connection, Context,
    ErrorSource, StateSource,
};
use crate::error::{Error, Result};
use crate::gateway::{Close, Message};
use crate::object::report;
use crate::object::{
    AlarmInfo, BlockedPart, BoxFuture, DurableObject, Internal, ObjectContext, ObjectOptions, Request,
    Response, WebSocket, WebSocketUpgrade,
};
use crate::wire::frame::{self, ClientFrame};

impl<A: AgentDefinition> AgentShared<A> {
    /// Returns the call context of hooks without a connection.
    pub(super) fn parts(self: &Arc<Self>) -> CallContext<A> {
        CallContext { cx: self.context(), connection: None, request: None, answer: None }
    }

    /// Returns the call context of hooks of an open connection.
    pub(super) fn parts_of(self: &Arc<Self>, connection: &Connection<A>) -> CallContext<A> {
        CallContext {
            cx: self.context_of(connection, None),
            connection: Some(connection.clone()),
            request: None,
            answer: None,
        }
    }

    /// Returns the call context of hooks that report an action of a source: the agent's own context, and the
    /// connection.
    pub(super) fn parts_about(self: &Arc<Self>, source: &StateSource<A>) -> CallContext<A> {
        CallContext { connection: source.connection().cloned(), ..self.parts() }
    }

    /// Runs user code that returns any type; a panic becomes an error.
    pub(super) fn scoped<T>(&self, cx: Context<A>, future: BoxFuture<'static, T>) -> UserFuture<T> {
        UserFuture::new(cx, future)
    }

    /// Runs user code that returns a `Result`; a panic becomes its error.
    pub(super) fn guard<T: 'static>(
        &self,
        cx: Context<A>,
        future: BoxFuture<'static, Result<T>>,
    ) -> impl Future<Output = Result<T>> + Send + use<A, T> {
        let scoped = UserFuture::new(cx, future);
        async move { scoped.await? }
    }

    /// Calls the error hook. The error is logged if the agent has no such hook or the hook returns an error.
    pub(crate) async fn on_error(self: &Arc<Self>, error: AgentError<A>) {
        let (Some(agent), Some(hook)) = (self.agent.get(), self.table.hooks.on_error) else {
            return self.log(error.error());
        };
        let parts = match &error {
            // The reaction of an agent to an error is its own work.
            AgentError::Connection { connection, .. } => {
                CallContext { connection: Some(connection.clone()), ..self.parts() }
            }
            AgentError::Server { .. } => self.parts(),
        };
        if let Err(error) = self.guard(self.context(), hook(agent.clone(), parts, error)).await {
            self.log(&error);
        }
    }

    /// Calls the error hook for an error whose text a client has read. A hidden error is in the log already, with
    /// the id that the client reads, so it is not logged again.
    pub(crate) async fn on_reported(self: &Arc<Self>, error: AgentError<A>) {
        let unlogged = error.error().client_message().is_some() && error.error().logged_id().is_none();
        if self.table.hooks.on_error.is_some() || unlogged {
            self.on_error(error).await;
        }
    }

    pub(super) fn log(&self, error: &Error) {
        report::handler_failed(self.object.key(), error);
    }
}

impl<A: Agent> AgentObject<A> {
    fn connection(&self, socket: &WebSocket) -> Connection<A> {
        Connection { core: self.core.clone(), socket: socket.clone() }
    }

    /// Runs a hook of a connection; its error goes to the error hook.
    async fn run_event_hook(&self, connection: Connection<A>, hook: BoxFuture<'static, Result<()>>) {
        let cx = self.core.parts_of(&connection).cx;
        if let Err(error) = self.core.guard(cx, hook).await {
            self.core.on_error(AgentError::Connection { connection, error }).await;
        }
    }

    async fn on_message(&self, socket: &WebSocket, message: Message) -> Result<()> {
        if let Some(hook) = self.core.table.hooks.on_message {
            let connection = self.connection(socket);
            let hook = hook(self.agent()?, self.core.parts_of(&connection), message);
            self.run_event_hook(connection, hook).await;
        }
        Ok(())
    }

    /// Handles a state that a client pushes.
    fn push(&self, socket: &WebSocket, state: &serde_json::value::RawValue) -> Result<()> {
        match self.core.push(&self.connection(socket), state) {
            Ok(()) => Ok(()),
            Err(refusal) => socket.answer(frame::state_error(&refusal)),
        }
    }
}

/// The action for a text message.
enum Work<A: Agent> {
    Call(ResolvedCall<A>),
    Done,
    Other,
}

impl<A: Agent> DurableObject for AgentObject<A> {
    fn options() -> ObjectOptions {
        A::options().object.wakes_on_close(A::table().hooks.on_close.is_some()).takes_calls(true)
    }

    async fn start(&mut self, _: &ObjectContext) -> Result<()> {
        self.start_agent().await
    }

    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        match WebSocketUpgrade::take(&mut request) {
            Some(upgrade) => {
                let (parts, _) = request.into_parts();
                let connection = Connection {
                    core: self.core.clone(),
                    socket: WebSocket { object: cx.clone(), entry: upgrade.entry.clone() },
                };
                let request = ConnectRequest::new(parts);
                let identity = self.class.send_identity;
                self.core.clone().connect(self.agent()?, connection, upgrade, request, identity).await
            }
            None => match request.extensions_mut().remove::<Internal>() {
                Some(Internal(call)) => {
                    let CallHead { method, callers } = CallHead::decode(&call)?;
                    let (core, chain) = (self.core.clone(), CallChain::called(callers));
                    match method {
                        Some(method) => core.called(self.agent()?, method, chain, request.into_body()).await,
                        None => Ok(core.request(self.agent()?, chain, request).await),
                    }
                }
                None => Ok(self.core.clone().request(self.agent()?, CallChain::default(), request).await),
            },
        }
    }

    async fn web_socket_message(
        &self,
        _: &ObjectContext,
        socket: &WebSocket,
        message: Message,
    ) -> Result<()> {
        let text = match message {
            Message::Text(text) => text,
            binary @ Message::Binary(_) => return self.on_message(socket, binary).await,
        };
        let work = match frame::parse(&text) {
            ClientFrame::Rpc(call) => Work::Call(ResolvedCall::new(&self.core, &text, &call)),
            ClientFrame::LongId => {
                socket.answer(frame::LONG_ID.to_owned())?;
                Work::Done
            }
            ClientFrame::State(state) => {
                self.push(socket, state)?;
                Work::Done
            }
            ClientFrame::Cancel(id) => {
                self.core.activation.streams.stop(socket.entry.key, id);
                Work::Done
            }
            ClientFrame::Other => Work::Other,
        };
        match work {
            Work::Call(found) => {
                let connection = self.connection(socket);
                self.core.clone().run_call(self.agent()?, connection, text.into(), found).await
            }
            Work::Done => Ok(()),
            Work::Other => self.on_message(socket, Message::Text(text)).await,
        }
    }

    async fn web_socket_close(&self, _: &ObjectContext, socket: &WebSocket, close: Close) -> Result<()> {
        if let Some(hook) = self.core.table.hooks.on_close {
            let connection = self.connection(socket);
            let hook = hook(self.agent()?, self.core.parts_of(&connection), close);
            self.run_event_hook(connection, hook).await;
        }
        Ok(())
    }

    async fn web_socket_error(&self, _: &ObjectContext, socket: &WebSocket, error: Error) -> Result<()> {
        let connection = self.connection(socket);
        self.core.on_error(AgentError::Connection { connection, error }).await;
        Ok(())
    }

    async fn alarm(&self, _: &ObjectContext, alarm: AlarmInfo) -> Result<()> {
        let Some(hook) = self.core.table.hooks.on_alarm else { return Ok(()) };
        let hook = hook(self.agent()?, self.core.parts(), alarm);
        let Err(error) = self.core.guard(self.core.context(), hook).await else { return Ok(()) };
        let failed = Error::hidden(error.code(), format!("on_alarm failed and is tried again: {error}"));
        // Without the hook, the error of the alarm is logged once, by the object.
        if self.core.table.hooks.on_error.is_some() {
            self.core.on_error(AgentError::Server { error, source: ErrorSource::Alarm }).await;
        }
        Err(failed)
    }

    async fn alarm_timed_out(&self, _: &ObjectContext, error: Error) -> Result<()> {
        self.core.on_error(AgentError::Server { error, source: ErrorSource::Alarm }).await;
        Ok(())
    }

    async fn hibernate(&self, _: &ObjectContext) -> Result<()> {
        let Some(hook) = self.core.table.hooks.on_hibernate else { return Ok(()) };
        let hook = hook(self.agent()?, self.core.parts());
        let work = self.core.guard(self.core.context(), hook);
        // Events that arrive now are for the next activation.
        if let Err(error) = self.core.object.while_blocking(BlockedPart::Everything, work).await {
            self.core.on_error(AgentError::Server { error, source: ErrorSource::Hibernate }).await;
        }
        Ok(())
    }

    async fn response_failed(&self, _: &ObjectContext, error: Error) -> Result<()> {
        self.core.on_error(AgentError::Server { error, source: ErrorSource::Request }).await;
        Ok(())
    }

    fn start_failed(
        object: &ObjectContext,
        socket: &WebSocket,
        message: &Message,
        error: &Error,
    ) -> Result<()> {
        let reason = report::client_text(object.key(), error, "on_start");
        let Some(text) = message.text() else { return Ok(()) };
        match frame::parse(text) {
            ClientFrame::Rpc(call) => socket.answer(frame::rpc_error(call.id, &reason)),
            ClientFrame::LongId => socket.answer(frame::LONG_ID.to_owned()),
            ClientFrame::State(_) => socket.answer(frame::state_error(frame::STATE_REJECTED)),
            ClientFrame::Cancel(_) | ClientFrame::Other => Ok(()),
        }
    }
}
