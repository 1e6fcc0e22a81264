//! New connections: authorised, accepted, and sent their first frames.

use std::sync::Arc;

use axum::response::IntoResponse;
use http::StatusCode;

use crate::agent::access::write_access::WriteAccess;
use crate::agent::connections::flags::NO_PROTOCOL;
use crate::agent::{Agent, AgentError, AgentShared, CallContext, ConnectRequest, Connection, Refusal};
use crate::error::{Error, Result};
use crate::gateway::cut_reason;
use crate::limits::Limits;
use crate::object::{Flags, ObjectKey, Response, TagsError, WebSocketUpgrade, check_socket_tags, report};
use crate::wire::{self, close_code, frame};

impl<A: Agent> AgentShared<A> {
    /// Admits a connection, in the order of the protocol.
    pub(in crate::agent) async fn connect(
        self: Arc<Self>,
        agent: Arc<A>,
        connection: Connection<A>,
        upgrade: WebSocketUpgrade,
        request: ConnectRequest,
        identity: bool,
    ) -> Result<Response> {
        let parts = |caller: bool| CallContext {
            cx: if caller { self.context_of(&connection, None) } else { self.context() },
            connection: Some(connection.clone()),
            request: Some(request.clone()),
            answer: None,
        };
        let switched = || Ok(StatusCode::SWITCHING_PROTOCOLS.into_response());
        if let Err(refusal) = self.admit(&agent, &connection, parts, identity).await {
            self.object.refuse_web_socket(upgrade, refusal.code(), refusal.reason().to_owned())?;
            return switched();
        }
        let Some(hook) = self.table.hooks.on_connect else { return switched() };
        let result = self.guard(parts(true).cx, hook(agent, parts(true))).await;
        let Err(error) = result else { return switched() };
        // The code can be retried: the client has its identity, and the next attempt may succeed.
        let text = report::client_text(self.object.key(), &error, "on_connect");
        self.on_reported(AgentError::Connection { connection: connection.clone(), error }).await;
        connection.socket.close(close_code::INTERNAL_ERROR, cut_reason(text))?;
        switched()
    }

    /// Runs the steps in this order: authorize, tags, readonly, protocol, frames.
    async fn admit(
        self: &Arc<Self>,
        agent: &Arc<A>,
        connection: &Connection<A>,
        parts: impl Fn(bool) -> CallContext<A> + Send,
        identity: bool,
    ) -> Result<(), Refusal> {
        let hooks = &self.table.hooks;
        let failed = |error: Error, what: &str| {
            Refusal::new(close_code::SERVER_ERROR, report::client_text(self.object.key(), &error, what))
        };
        if let Some(authorize) = hooks.authorize {
            let ObjectKey { class, name } = self.object.key().clone();
            let decide = self.scoped(parts(false).cx, authorize(agent.clone(), parts(false)));
            let state = report::deciding(class, Some(name), decide)
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
        let tags = match check_tags(self.object.limits(), connection.id(), given) {
            Ok(tags) => tags,
            Err(error) => {
                self.object.count_tags(&error);
                let reason = error.to_string();
                let error = error.into_error();
                self.on_error(AgentError::Connection { connection: connection.clone(), error }).await;
                return Err(Refusal::with_code(close_code::INTERNAL_ERROR, reason));
            }
        };
        let (mut flags, mut forbidden) = (Flags::NONE, false);
        if let Some(hook) = hooks.should_connection_be_readonly {
            let readonly = self.guard(parts(false).cx, hook(agent.clone(), parts(false))).await;
            let readonly = readonly.map_err(|error| failed(error, "should_connection_be_readonly"))?;
            forbidden = readonly;
        }
        if let Some(hook) = hooks.should_send_protocol_messages {
            let protocol = self.guard(parts(false).cx, hook(agent.clone(), parts(false))).await;
            let protocol = protocol.map_err(|error| failed(error, "should_send_protocol_messages"))?;
            flags = flags.with(NO_PROTOCOL, !protocol);
        }
        // A hook may have called `set_readonly`; the result of another hook does not revoke that.
        flags = WriteAccess::new(forbidden || connection.is_readonly()).put(flags);
        self.greet(connection, tags, flags, identity).map_err(|error| failed(error, "connect"))
    }

    /// Accepts the connection and sends the identity, state and MCP frames. All of this happens in one turn,
    /// so that no other frame comes in between.
    fn greet(
        self: &Arc<Self>,
        connection: &Connection<A>,
        tags: Vec<String>,
        flags: Flags,
        identity: bool,
    ) -> Result<()> {
        let protocol = !flags.has(NO_PROTOCOL);
        // Read before the accept: storing an initial state sends it to the other connections and not to this
        // one.
        let state = match protocol {
            true => self.try_state()?,
            false => None,
        };
        self.object.accept(&connection.socket.entry, tags, flags)?;
        if !protocol {
            return Ok(());
        }
        let send = |frame: String| connection.socket.send(frame);
        if identity {
            send(frame::identity(self.object.name(), self.object.class(), state.is_some()))?;
        }
        if let Some(state) = state {
            send(frame::initial_state(&wire::to_json(&*state).map_err(Error::not_json)?))?;
        }
        send(frame::NO_MCP_SERVERS.to_owned())
    }
}

/// Puts the id first, removes repeated tags and checks the limits.
fn check_tags(limits: &Limits, id: &str, given: Vec<String>) -> Result<Vec<String>, TagsError> {
    let tags = check_socket_tags(limits, std::iter::once(id.to_owned()).chain(given));
    tags.map_err(|error| match error {
        // The id is not counted as a tag of the user.
        TagsError::TooMany { most, got } => TagsError::TooMany { most: most - 1, got: got - 1 },
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(count: usize) -> Vec<String> {
        (0..count).map(|n| n.to_string()).collect()
    }

    #[test]
    fn the_id_is_first_and_duplicates_are_dropped() {
        // S31, S32, S45
        let given = vec!["a".to_owned(), "id".to_owned(), "a".to_owned()];
        assert_eq!(check_tags(&Limits::default(), "id", given).unwrap(), ["id", "a"]);
        assert_eq!(check_tags(&Limits::default(), "id", vec![]).unwrap(), ["id"]);
    }

    #[test]
    fn limits_hold() {
        // S46, S47
        assert_eq!(check_tags(&Limits::default(), "id", tags(9)).unwrap().len(), 10);
        let error = check_tags(&Limits::default(), "id", tags(10)).unwrap_err();
        assert_eq!(error.to_string(), "a connection has at most 9 tags, got 10");
        assert_eq!(check_tags(&Limits::default(), "id", vec![String::new()]), Err(TagsError::Empty));
        assert!(check_tags(&Limits::default(), "id", vec!["é".repeat(128)]).is_ok());
        assert_eq!(
            check_tags(&Limits::default(), "id", vec!["x".repeat(257)]),
            Err(TagsError::TooLong { most: 256, got: 257 })
        );
    }
}
