//! The frames that a client reads and writes.

use std::borrow::Cow;

use agents_protocol::wire::frame as wire;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::ClientError;

/// The result in an answer: JSON text, or nothing for a method that returns nothing.
pub(crate) type Answer = Option<Box<RawValue>>;

/// A text frame from the server.
#[derive(Debug)]
pub(crate) enum ServerFrame {
    Identity {
        name: String,
        agent: String,
        state_follows: bool,
    },
    State(Value),
    StateError(String),
    McpServers(Value),
    Rpc {
        id: u64,
        outcome: Outcome,
    },
    /// An answer that belongs to no call of this client.
    Stray,
    /// A message of the user, which is not part of the protocol.
    Other,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    Chunk(Answer),
    Done(Answer),
    Failed(String),
}

/// Every key of every frame. The types are loose on purpose: a user's own JSON may use the same keys.
#[derive(Deserialize)]
struct Keys<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    success: Option<&'a RawValue>,
    #[serde(borrow)]
    done: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    state: Option<&'a RawValue>,
    #[serde(borrow)]
    mcp: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    agent: Option<&'a RawValue>,
    #[serde(borrow, rename = "stateFollows")]
    state_follows: Option<&'a RawValue>,
}

/// Distinguishes `null` from a missing key; a plain `Option` reads both as `None`.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads a text frame from the server.
pub(crate) fn parse(text: &str) -> ServerFrame {
    if !text.starts_with('{') {
        return ServerFrame::Other;
    }
    let Ok(keys) = serde_json::from_str::<Keys<'_>>(text) else {
        return ServerFrame::Other;
    };
    let Some(kind) = keys.kind.and_then(string) else {
        return ServerFrame::Other;
    };
    protocol_frame(&kind, &keys).unwrap_or(ServerFrame::Other)
}

fn protocol_frame(kind: &str, keys: &Keys<'_>) -> Option<ServerFrame> {
    Some(match kind {
        wire::RPC => {
            let id = string(keys.id?)?;
            let outcome = if keys.success?.get() != "true" {
                Outcome::Failed(keys.error.and_then(string).unwrap_or_default().into_owned())
            } else {
                let result = keys.result.map(ToOwned::to_owned);
                // A frame without `done` is a complete answer: only streams send `false`.
                if keys.done.is_some_and(|done| done.get() == "false") {
                    Outcome::Chunk(result)
                } else {
                    Outcome::Done(result)
                }
            };
            match id.parse() {
                Ok(id) => ServerFrame::Rpc { id, outcome },
                Err(_) => ServerFrame::Stray,
            }
        }
        wire::STATE => ServerFrame::State(value(keys.state?)?),
        wire::STATE_ERROR => ServerFrame::StateError(string(keys.error?)?.into_owned()),
        wire::IDENTITY => ServerFrame::Identity {
            name: string(keys.name?)?.into_owned(),
            agent: string(keys.agent?)?.into_owned(),
            state_follows: keys.state_follows.is_some_and(|follows| follows.get() == "true"),
        },
        wire::MCP_SERVERS => ServerFrame::McpServers(value(keys.mcp?)?),
        _ => return None,
    })
}

fn value(raw: &RawValue) -> Option<Value> {
    serde_json::from_str(raw.get()).ok()
}

fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(text).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Writes a call; `args` is a JSON array.
pub(crate) fn call(id: u64, method: &str, args: &str) -> Result<String, ClientError> {
    let method = serde_json::to_string(method).map_err(ClientError::serialize)?;
    Ok(format!(r#"{{"type":"rpc","id":"{id}","method":{method},"args":{args}}}"#))
}

/// Writes a frame that tells the agent that the streamed answer of a call has no reader any more.
pub(crate) fn cancel(id: u64) -> String {
    format!(r#"{{"type":"{}","id":"{id}"}}"#, wire::RPC_CANCEL)
}

/// Writes a frame that replaces the agent's state.
pub(crate) fn push_state(state: &Value) -> String {
    format!(r#"{{"type":"cf_agent_state","state":{state}}}"#)
}

/// Writes the arguments of a call as a JSON array; `()` is an empty array.
pub(crate) fn arguments(args: &impl serde::Serialize) -> Result<String, ClientError> {
    let text = agents_protocol::wire::strict_json(args).map_err(ClientError::serialize)?;
    match text.as_bytes().first() {
        Some(b'[') => Ok(text),
        _ if text == "null" => Ok("[]".to_owned()),
        _ => Err(ClientError::Arguments),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_frames_of_the_runtime_are_read_back() {
        assert!(matches!(
            parse(&wire::identity("lob\"by", "chat-room", true)),
            ServerFrame::Identity { name, agent, state_follows: true } if name == "lob\"by" && agent == "chat-room"
        ));
        assert!(matches!(
            parse(&wire::identity("n", "a", false)),
            ServerFrame::Identity { state_follows: false, .. }
        ));
        assert!(matches!(parse(&wire::initial_state("null")), ServerFrame::State(Value::Null)));
        assert!(
            matches!(parse(&wire::state_changed("[1]")), ServerFrame::State(state) if state == json!([1]))
        );
        assert!(matches!(
            parse(&wire::state_error(wire::READONLY)),
            ServerFrame::StateError(text) if text == wire::READONLY
        ));
        assert!(
            matches!(parse(wire::NO_MCP_SERVERS), ServerFrame::McpServers(mcp) if mcp["servers"] == json!({}))
        );
        assert!(matches!(
            parse(&wire::rpc_error("\"7\"", "no")),
            ServerFrame::Rpc { id: 7, outcome: Outcome::Failed(text) } if text == "no"
        ));
        assert!(matches!(
            parse(&wire::rpc_chunk("\"7\"", "1")),
            ServerFrame::Rpc { id: 7, outcome: Outcome::Chunk(Some(raw)) } if raw.get() == "1"
        ));
        assert!(matches!(
            parse(&wire::rpc_result("\"7\"", Some("null"))),
            ServerFrame::Rpc { id: 7, outcome: Outcome::Done(Some(raw)) } if raw.get() == "null"
        ));
        assert!(matches!(
            parse(&wire::rpc_result("\"7\"", None)),
            ServerFrame::Rpc { id: 7, outcome: Outcome::Done(None) }
        ));
        assert!(matches!(parse(&wire::rpc_result("\"x\"", None)), ServerFrame::Stray));
    }

    #[test]
    fn whatever_else_comes_belongs_to_the_user() {
        for text in [
            "",
            "pong",
            "[1]",
            "{",
            r#"{"type":"post","id":7,"state":1,"error":{},"name":[]}"#,
            r#"{"type":"rpc"}"#,
            r#"{"type":"rpc","id":7,"success":true}"#,
            r#"{"type":"cf_agent_state"}"#,
            r#"{"type":"cf_agent_identity","name":"n"}"#,
        ] {
            assert!(matches!(parse(text), ServerFrame::Other), "{text}");
        }
    }

    #[test]
    fn the_runtime_reads_what_we_write() {
        let text = call(3, "say", r#"["hi"]"#).unwrap();
        assert!(matches!(
            wire::parse(&text),
            wire::ClientFrame::Rpc(call) if call.id == "\"3\"" && call.method == "say" && call.arguments.get() == r#"["hi"]"#
        ));
        assert!(matches!(wire::parse(&cancel(3)), wire::ClientFrame::Cancel(id) if id == "\"3\""));
        let text = push_state(&json!({ "a": null }));
        assert!(matches!(wire::parse(&text), wire::ClientFrame::State(raw) if raw.get() == r#"{"a":null}"#));
    }

    #[test]
    fn arguments_are_lists() {
        assert_eq!(arguments(&()).unwrap(), "[]");
        assert_eq!(arguments(&("a", 1)).unwrap(), r#"["a",1]"#);
        assert_eq!(arguments(&[1, 2]).unwrap(), "[1,2]");
        assert!(matches!(arguments(&"a"), Err(ClientError::Arguments)));
        assert!(matches!(arguments(&json!({})), Err(ClientError::Arguments)));
    }
}
