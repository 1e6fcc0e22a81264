//! The frames of the protocol, read from clients and written by agents.
//!
//! The keys have the same order as in the npm package `agents`, so recorded traffic compares equal.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::wire;

/// The text of the refusal that a read-only connection gets for a state push and for a call.
pub const READONLY: &str = "Connection is readonly";
/// The code of an error that a read-only caller gets.
pub const READONLY_CODE: &str = "readonly";
/// The text of a refusal of a call whose caller lacks a right.
pub const FORBIDDEN: &str = "Insufficient permissions";
/// The text of a refusal by `validate_state_change`; the cause stays in the log.
pub const STATE_REJECTED: &str = "State update rejected";
/// The type of identity frames.
pub const IDENTITY: &str = "cf_agent_identity";
/// The type of state frames, in both directions.
pub const STATE: &str = "cf_agent_state";
/// The type of frames that refuse a client's state.
pub const STATE_ERROR: &str = "cf_agent_state_error";
/// The type of frames that list MCP servers.
pub const MCP_SERVERS: &str = "cf_agent_mcp_servers";
/// The type of calls and their answers.
pub const RPC: &str = "rpc";
/// The type of the frame that stops a streamed answer; the npm package `agents` has no such frame.
pub const RPC_CANCEL: &str = "rpc_cancel";

/// The largest number of bytes of the id of a call in its frame, including escapes.
///
/// The id is sent back with each item of a streamed answer.
pub const MAX_ID: usize = 128;
/// The answer to a call whose id is longer than [`MAX_ID`].
///
/// The id is `null`, as in JSON-RPC for a call that cannot be named: a part of the id could be the id of
/// another call.
pub const LONG_ID: &str =
    r#"{"error":"The id of a call has at most 128 bytes","id":null,"success":false,"type":"rpc"}"#;

/// A text frame from a client.
#[derive(Debug)]
pub enum ClientFrame<'a> {
    /// A state that replaces the agent's state.
    State(&'a RawValue),
    /// A call.
    Rpc(Call<'a>),
    /// A call whose id is too long to be sent back. [`LONG_ID`] is the answer.
    LongId,
    /// The client no longer reads the streamed answer of this call. Contains the id of the call as JSON text.
    Cancel(&'a str),
    /// Another frame, which goes to the message hook.
    Other,
}

/// A call from a client.
#[derive(Debug)]
pub struct Call<'a> {
    /// The call's id as JSON text, including quotes. It is sent back unchanged.
    pub id: &'a str,
    /// The name of the method on the wire.
    pub method: Cow<'a, str>,
    /// The arguments, a JSON array.
    pub arguments: &'a RawValue,
}

#[derive(Default)]
struct Keys<'a> {
    kind: Option<&'a RawValue>,
    state: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    args: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Keys<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Keys<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a frame")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Keys<'de>, M::Error> {
                // This is not derived: for a key that occurs twice the last value counts, as in JavaScript.
                let mut keys = Keys::default();
                while let Some(key) = map.next_key::<Key>()? {
                    match key {
                        Key::Kind => keys.kind = Some(map.next_value()?),
                        Key::State => keys.state = Some(map.next_value()?),
                        Key::Id => keys.id = Some(map.next_value()?),
                        Key::Method => keys.method = Some(map.next_value()?),
                        Key::Args => keys.args = Some(map.next_value()?),
                        Key::Other => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(keys)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

enum Key {
    Kind,
    State,
    Id,
    Method,
    Args,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                Ok(match key {
                    "type" => Key::Kind,
                    "state" => Key::State,
                    "id" => Key::Id,
                    "method" => Key::Method,
                    "args" => Key::Args,
                    _ => Key::Other,
                })
            }
        }
        deserializer.deserialize_identifier(Name)
    }
}

/// Reads a text frame from a client.
///
/// A frame that is not exactly a state push, a call or a cancellation is [`ClientFrame::Other`]. The protocol
/// does not answer it; it goes to the message hook.
///
/// ```
/// use agents_protocol::wire::frame::{ClientFrame, parse};
///
/// let frame = parse(r#"{"type":"rpc","id":"1","method":"post","args":["hi"]}"#);
/// assert!(matches!(frame, ClientFrame::Rpc(call) if call.method == "post"));
/// assert!(matches!(parse("hello"), ClientFrame::Other));
/// ```
pub fn parse(text: &str) -> ClientFrame<'_> {
    if !text.trim_ascii_start().starts_with('{') {
        return ClientFrame::Other;
    }
    let Ok(keys) = serde_json::from_str::<Keys<'_>>(text) else {
        return ClientFrame::Other;
    };
    let Some(kind) = keys.kind.and_then(string) else {
        return ClientFrame::Other;
    };
    match &*kind {
        STATE => keys.state.map_or(ClientFrame::Other, ClientFrame::State),
        RPC => match (keys.id, keys.method.and_then(string), keys.args) {
            (Some(id), Some(method), Some(arguments))
                if id.get().starts_with('"') && arguments.get().starts_with('[') =>
            {
                // The quotes are not counted.
                if id.get().len() > MAX_ID + 2 {
                    return ClientFrame::LongId;
                }
                ClientFrame::Rpc(Call { id: id.get(), method, arguments })
            }
            _ => ClientFrame::Other,
        },
        RPC_CANCEL => match keys.id {
            Some(id) if id.get().starts_with('"') => ClientFrame::Cancel(id.get()),
            _ => ClientFrame::Other,
        },
        _ => ClientFrame::Other,
    }
}

/// Returns the text of a JSON string, or `None` for any other value.
fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { wire::from_json(text).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

/// Returns the identity frame.
pub fn identity(name: &str, agent: &str, state_follows: bool) -> String {
    let mut out = String::with_capacity(64 + name.len() + agent.len());
    out.push_str(r#"{"type":"cf_agent_identity","name":"#);
    push_string(&mut out, name);
    out.push_str(r#","agent":"#);
    push_string(&mut out, agent);
    if state_follows {
        out.push_str(r#","stateFollows":true"#);
    }
    out.push('}');
    out
}

/// Returns the state frame for a new connection.
pub fn initial_state(state: &str) -> String {
    concat(&[r#"{"type":"cf_agent_state","state":"#, state, "}"])
}

/// Returns the state frame after a change.
pub fn state_changed(state: &str) -> String {
    concat(&[r#"{"state":"#, state, r#","type":"cf_agent_state"}"#])
}

/// Returns the frame that refuses the state of a client.
pub fn state_error(message: &str) -> String {
    let mut out = String::with_capacity(48 + message.len());
    out.push_str(r#"{"type":"cf_agent_state_error","error":"#);
    push_string(&mut out, message);
    out.push('}');
    out
}

/// The MCP frame of an agent without MCP servers.
pub const NO_MCP_SERVERS: &str =
    r#"{"mcp":{"prompts":[],"resources":[],"servers":{},"tools":[]},"type":"cf_agent_mcp_servers"}"#;

/// Returns the last answer to a call. `result` is JSON; `None` omits the key.
pub fn rpc_result(id: &str, result: Option<&str>) -> String {
    match result {
        Some(result) => concat(&[
            r#"{"done":true,"id":"#,
            id,
            r#","result":"#,
            result,
            r#","success":true,"type":"rpc"}"#,
        ]),
        None => concat(&[r#"{"done":true,"id":"#, id, r#","success":true,"type":"rpc"}"#]),
    }
}

/// Returns one item of a streamed answer.
pub fn rpc_chunk(id: &str, chunk: &str) -> String {
    concat(&[r#"{"done":false,"id":"#, id, r#","result":"#, chunk, r#","success":true,"type":"rpc"}"#])
}

/// Returns the answer to a call that failed.
pub fn rpc_error(id: &str, message: &str) -> String {
    let mut out = String::with_capacity(64 + id.len() + message.len());
    out.push_str(r#"{"error":"#);
    push_string(&mut out, message);
    out.push_str(r#","id":"#);
    out.push_str(id);
    out.push_str(r#","success":false,"type":"rpc"}"#);
    out
}

fn concat(parts: &[&str]) -> String {
    let mut out = String::with_capacity(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        out.push_str(part);
    }
    out
}

fn push_string(out: &mut String, text: &str) {
    // Quoting a string cannot fail. If it ever did, an empty string is a harmless replacement.
    out.push_str(&serde_json::to_string(text).unwrap_or_else(|_| r#""""#.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rpc(text: &str) -> Option<(String, String, String)> {
        match parse(text) {
            ClientFrame::Rpc(call) => {
                Some((call.id.to_owned(), call.method.into_owned(), call.arguments.get().to_owned()))
            }
            _ => None,
        }
    }

    #[test]
    fn calls_are_read_whatever_the_order_of_their_keys() {
        let expected = Some(("\"1\"".to_owned(), "add".to_owned(), "[1, 2]".to_owned()));
        assert_eq!(rpc(r#"{"type":"rpc","id":"1","method":"add","args":[1, 2]}"#), expected);
        assert_eq!(
            rpc(r#" {"extra":{"a":[]},"args":[1, 2],"method":"a\u0064d","id":"1","type":"r\u0070c"}"#),
            expected
        );
        assert_eq!(rpc(r#"{"type":"rpc","id":"","method":"x","args":[]}"#).unwrap().0, "\"\"");
    }

    #[test]
    fn a_call_with_a_long_id_is_told_apart() {
        let call =
            |len: usize| format!(r#"{{"type":"rpc","id":"{}","method":"x","args":[]}}"#, "i".repeat(len));
        assert_eq!(rpc(&call(MAX_ID)).unwrap().0.len(), MAX_ID + 2);
        assert!(matches!(parse(&call(MAX_ID + 1)), ClientFrame::LongId));
        assert!(LONG_ID.contains(&MAX_ID.to_string()));
        assert!(serde_json::from_str::<serde_json::Value>(LONG_ID).unwrap()["id"].is_null());
    }

    #[test]
    fn what_is_not_exactly_ours_is_left_to_the_message_hook() {
        for text in [
            "",
            "hello",
            "null",
            "[]",
            "{",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"rpc","id":1,"method":"x","args":[]}"#,
            r#"{"type":"rpc","id":"1","method":"x"}"#,
            r#"{"type":"rpc","id":"1","method":"x","args":{}}"#,
            r#"{"type":"rpc","id":"1","args":[]}"#,
            r#"{"type":"cf_agent_state"}"#,
            r#"{"type":"cf_agent_identity","name":"x","agent":"y"}"#,
            r#"{"type":"cf_agent_mcp_servers","mcp":{}}"#,
        ] {
            assert!(matches!(parse(text), ClientFrame::Other), "{text}");
        }
    }

    #[test]
    fn only_the_presence_of_the_key_state_matters() {
        for (text, state) in [
            (r#"{"type":"cf_agent_state","state":null}"#, "null"),
            (r#"{"state":0,"type":"cf_agent_state"}"#, "0"),
            (r#"{"state":1,"type":"cf_agent_state","state":2}"#, "2"),
        ] {
            assert!(matches!(parse(text), ClientFrame::State(raw) if raw.get() == state), "{text}");
        }
    }

    #[test]
    fn frames_are_written_to_the_letter() {
        assert_eq!(
            identity("lob\"by", "chat-room", true),
            r#"{"type":"cf_agent_identity","name":"lob\"by","agent":"chat-room","stateFollows":true}"#
        );
        assert_eq!(identity("n", "a", false), r#"{"type":"cf_agent_identity","name":"n","agent":"a"}"#);
        assert_eq!(initial_state("null"), r#"{"type":"cf_agent_state","state":null}"#);
        assert_eq!(state_changed("{}"), r#"{"state":{},"type":"cf_agent_state"}"#);
        assert_eq!(
            state_error(READONLY),
            r#"{"type":"cf_agent_state_error","error":"Connection is readonly"}"#
        );
        assert_eq!(
            rpc_result("\"7\"", Some("null")),
            r#"{"done":true,"id":"7","result":null,"success":true,"type":"rpc"}"#
        );
        assert_eq!(rpc_result("\"7\"", None), r#"{"done":true,"id":"7","success":true,"type":"rpc"}"#);
        assert_eq!(
            rpc_chunk("\"7\"", "1"),
            r#"{"done":false,"id":"7","result":1,"success":true,"type":"rpc"}"#
        );
        assert_eq!(rpc_error("\"7\"", "no"), r#"{"error":"no","id":"7","success":false,"type":"rpc"}"#);
    }
}
