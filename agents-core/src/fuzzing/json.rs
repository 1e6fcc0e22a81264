//! Text frames, read as JSON.

use serde_json::Value;

use crate::wire::frame::{self, ClientFrame};

/// Checks that a frame is a push or a call exactly when a full JSON reader finds the keys of one, that it
/// carries the values that this reader finds, and that every reply is JSON.
pub fn json_frames(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let value = serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
    let string = |key: &str| value.as_ref().and_then(|value| value.get(key)).and_then(Value::as_str);
    match frame::parse(text) {
        // JavaScript accepts half of a surrogate pair (\ud800) in a text, but the reader here does not. Such
        // a frame is passed on unchanged.
        ClientFrame::Rpc(_) | ClientFrame::LongId | ClientFrame::State(_) | ClientFrame::Cancel(_)
            if value.is_none() => {}
        ClientFrame::Rpc(call) => {
            assert_eq!(string("type"), Some("rpc"));
            assert_eq!(string("method"), Some(&*call.method));
            assert_eq!(serde_json::from_str::<Value>(call.id).ok(), string("id").map(Value::from));
            let arguments: Value = serde_json::from_str(call.arguments.get()).expect("a list");
            assert_eq!(Some(&arguments), value.as_ref().and_then(|value| value.get("args")));
            for answer in [
                frame::rpc_error(call.id, &call.method),
                frame::rpc_result(call.id, Some(call.arguments.get())),
                frame::rpc_chunk(call.id, call.arguments.get()),
            ] {
                let answer: Value = serde_json::from_str(&answer).expect("an answer is JSON");
                assert_eq!(answer["id"].as_str(), string("id"));
            }
        }
        ClientFrame::LongId => {
            assert_eq!(string("type"), Some("rpc"));
            assert!(string("method").is_some());
        }
        ClientFrame::State(state) => {
            assert_eq!(string("type"), Some("cf_agent_state"));
            let state_value: Value = serde_json::from_str(state.get()).expect("a value");
            assert_eq!(Some(&state_value), value.as_ref().and_then(|value| value.get("state")));
            let sent = frame::state_changed(state.get());
            assert!(serde_json::from_str::<Value>(&sent).is_ok(), "{sent}");
        }
        ClientFrame::Cancel(id) => {
            assert_eq!(string("type"), Some("rpc_cancel"));
            assert_eq!(serde_json::from_str::<Value>(id).ok(), string("id").map(Value::from));
        }
        ClientFrame::Other => {
            let call = string("type") == Some("rpc")
                && string("id").is_some()
                && string("method").is_some()
                && value.as_ref().is_some_and(|value| value["args"].is_array());
            assert!(!call, "a call was ignored: {text}");
        }
    }
    let parsed: Value = serde_json::from_str(&frame::state_error(text)).expect("a refusal is JSON");
    assert_eq!(parsed["error"], text);
}
