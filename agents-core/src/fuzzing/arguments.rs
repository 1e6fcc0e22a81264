//! The arguments of a call.

use serde_json::Value;

use crate::agent::Arguments;
use crate::wire::from_json;

/// A list of arguments gives the values that a full JSON reader finds, or an error that a client may read.
pub fn arguments(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let expected = serde_json::from_str::<Vec<Value>>(text);
    let count = expected.as_ref().map_or(1, Vec::len);
    let mut arguments = match (Arguments::read(text, count), &expected) {
        (Ok(arguments), Ok(_)) => arguments,
        (Err(error), Err(_)) => return assert!(error.client_message().is_some()),
        // A number that no reader of values takes (1e999) is left alone until somebody wants it.
        (Ok(arguments), Err(_)) => arguments,
        (Err(error), Ok(_)) => panic!("{text} is a list, but: {error}"),
    };
    if let Ok(expected) = expected {
        for value in expected {
            assert_eq!(arguments.next("value", from_json::<Value>).expect("a value is a value"), value);
        }
    }
    // One of each kind; what does not fit is told in words without our types' insides.
    let Ok(mut arguments) = Arguments::read(text, 4) else { return };
    let told = [
        arguments.next("first", from_json::<u8>).err(),
        arguments.next("second", from_json::<Option<String>>).err(),
        arguments.next("third", from_json::<Vec<(f64, bool)>>).err(),
        arguments.next_or("fourth", from_json::<i64>, || 1).err(),
    ];
    for error in told.into_iter().flatten() {
        let message = error.client_message().expect("the caller reads why");
        assert!(!message.contains(" at line "), "{message}");
    }
}
