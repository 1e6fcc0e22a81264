//! The arguments of a call.

use serde_json::Value;

use crate::agent::Arguments;
use crate::wire::from_json;

/// Checks that a list of arguments gives the values that a full JSON reader finds, or an error that a client
/// may read.
pub fn arguments(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let expected = serde_json::from_str::<Vec<Value>>(text);
    let count = expected.as_ref().map_or(1, Vec::len);
    let mut arguments = match (Arguments::read(text, count), &expected) {
        (Ok(arguments), Ok(_)) => arguments,
        (Err(error), Err(_)) => return assert!(error.client_message().is_some()),
        // `Arguments` does not decode a number such as 1e999, which a full reader rejects, before the value
        // is taken.
        (Ok(arguments), Err(_)) => arguments,
        (Err(error), Ok(_)) => panic!("{text} is a list, but: {error}"),
    };
    if let Ok(expected) = expected {
        for value in expected {
            assert_eq!(arguments.next("value", from_json::<Value>).expect("a value is a value"), value);
        }
    }
    // One argument of each kind; the error text must not show the inner names of types.
    let Ok(mut arguments) = Arguments::read(text, 4) else { return };
    let errors = [
        arguments.next("first", from_json::<u8>).err(),
        arguments.next("second", from_json::<Option<String>>).err(),
        arguments.next("third", from_json::<Vec<(f64, bool)>>).err(),
        arguments.next_or("fourth", from_json::<i64>, || 1).err(),
    ];
    for error in errors.into_iter().flatten() {
        let message = error.client_message().expect("the caller reads the reason");
        assert!(!message.contains(" at line "), "{message}");
    }
}
