//! A new connection: asked about, accepted, greeted.

use std::sync::Arc;

use crate::agent::{
    Agent, AgentCore, AgentError, ConnectRequest, Connection, Context, Parts, Refusal, report,
};
use crate::error::{Error, Result};
use crate::gateway::{Flags, Message, Targets, check_tags};
use crate::wire::{self, frame};

/// How a connection that is not let in ends.
struct Denied {
    code: u16,
    reason: String,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self { code: refusal.code(), reason: refusal.reason().to_owned() }
    }
}

impl<A: Agent> AgentCore<A> {
    /// Lets a connection in, in the order of the protocol; `false` when it stays outside.
    pub(super) async fn connect(
        self: Arc<Self>,
        agent: Arc<A>,
        connection: Connection<A>,
        request: ConnectRequest,
        identity: bool,
    ) -> bool {
        let parts = |caller: bool| Parts {
            cx: Context { core: self.clone(), caller: caller.then(|| connection.clone()) },
            connection: Some(connection.clone()),
            request: Some(request.clone()),
            answer: None,
        };
        match self.admit(&agent, &connection, parts, identity).await {
            Ok(()) => {}
            Err(denied) => {
                let closed = self.object.close(&connection.entry, Some(denied.code), denied.reason);
                if let Err(error) = closed {
                    tracing::error!(agent = ?self.object.key(), %error, "a refused connection was not closed");
                }
                return false;
            }
        }
        let Some(hook) = self.table.hooks.on_connect else { return true };
        let result = self.guard(parts(true).cx, hook(agent, parts(true))).await;
        let Err(error) = result else { return true };
        // Retryable: the client has its identity, and the next try may go well.
        let text = report::client_text(&error, "on_connect");
        self.on_error(AgentError::Connection { connection: connection.clone(), error }).await;
        let closed = self.object.close(&connection.entry, Some(1011), super::refusal::cut(text));
        if let Err(error) = closed {
            tracing::error!(agent = ?self.object.key(), %error, "a failed connection was not closed");
        }
        false
    }

    /// authorize → tags → readonly → protocol → frames.
    async fn admit(
        self: &Arc<Self>,
        agent: &Arc<A>,
        connection: &Connection<A>,
        parts: impl Fn(bool) -> Parts<A> + Send,
        identity: bool,
    ) -> Result<(), Denied> {
        let hooks = &self.table.hooks;
        let failed =
            |error: Error, what: &str| Denied::from(Refusal::new(4500, report::client_text(&error, what)));
        if let Some(authorize) = hooks.authorize {
            let state = self
                .scoped(parts(false).cx, authorize(agent.clone(), parts(false)))
                .await
                .map_err(|error| failed(error, "authorize"))??;
            if let Some(state) = state {
                connection.set_state(state).map_err(|error| failed(error, "authorize"))?;
            }
        }
        let given = match hooks.connection_tags {
            Some(hook) => self
                .guard(parts(false).cx, hook(agent.clone(), parts(false)))
                .await
                .map_err(|error| failed(error, "connection_tags"))?,
            None => Vec::new(),
        };
        let tags = match check_tags(connection.id(), given) {
            Ok(tags) => tags,
            Err(error) => {
                let reason = error.to_string();
                let error = Error::from(error);
                self.on_error(AgentError::Connection { connection: connection.clone(), error }).await;
                return Err(Denied { code: 1011, reason });
            }
        };
        let mut flags = Flags::NONE;
        if let Some(hook) = hooks.should_connection_be_readonly {
            let readonly = self.guard(parts(false).cx, hook(agent.clone(), parts(false))).await;
            let readonly = readonly.map_err(|error| failed(error, "should_connection_be_readonly"))?;
            flags = flags.with(Flags::READONLY, readonly);
        }
        if let Some(hook) = hooks.should_send_protocol_messages {
            let protocol = self.guard(parts(false).cx, hook(agent.clone(), parts(false))).await;
            let protocol = protocol.map_err(|error| failed(error, "should_send_protocol_messages"))?;
            flags = flags.with(Flags::NO_PROTOCOL, !protocol);
        }
        self.greet(connection, tags, flags, identity).map_err(|error| failed(error, "connect"))
    }

    /// Accepts the connection and sends identity, state and MCP frames; all in one turn, so that
    /// no other frame comes in between.
    fn greet(
        self: &Arc<Self>,
        connection: &Connection<A>,
        tags: Vec<String>,
        flags: Flags,
        identity: bool,
    ) -> Result<()> {
        let protocol = !flags.has(Flags::NO_PROTOCOL);
        // Before the accept: storing an initial state sends it to the others, not to this one.
        let state = match protocol {
            true => self.try_state()?,
            false => None,
        };
        connection.accept(tags, flags)?;
        if !protocol {
            return Ok(());
        }
        let send = |frame: String| self.object.send(Targets::One(connection.entry.key), Message::Text(frame));
        if identity {
            let key = self.object.key();
            send(frame::identity(&key.name, &key.class, state.is_some()))?;
        }
        if let Some(state) = state {
            send(frame::initial_state(&wire::to_json(&*state)?))?;
        }
        send(frame::NO_MCP_SERVERS.to_owned())
    }
}
