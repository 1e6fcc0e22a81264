//! Keys of a pushed state that its type accepted without an error and did not keep.
//!
//! Serde does not report the keys that it ignores in values that it reads twice: flattened fields, and enums
//! with `tag` or `untagged`. A key in such a value is suspected if the decoded value does not write it again.
//! The type may still know the key, under another name (`alias`) or without writing it
//! (`skip_serializing_if`). Therefore the state is read again without the key, and with other values for it.
//! The key counts as dropped if the state is the same each time: a type that knows the key refuses some of
//! these values, or keeps one.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::wire::{De, KeyFacts, Wire, to_value};

/// The maximum number of bytes of the pushed text that are read again, unless one key needs more. The limit
/// keeps a client from multiplying the cost of its state.
const READ_AGAIN: usize = 1 << 20;

/// The maximum number of keys that are checked.
const SUSPECTS: usize = 64;

/// The number of times that a state is read for a key that is dropped.
const PROBES: usize = 6;

/// Returns the path of a key of the pushed text that is not in the state that was read from it; `None` if
/// there is none, or if finding it would read too much.
pub(super) fn find<T: Wire>(json: &str, state: &T, facts: &KeyFacts) -> Option<Vec<Step>> {
    // A state that cannot be encoded is refused elsewhere.
    let kept = to_value(state).ok()?;
    let mut pushed: Value = serde_json::from_str(json).ok()?;
    let mut suspects = Suspects { found: Vec::new(), path: Vec::new(), without_empty: facts.tries_forms() };
    suspects.collect(&pushed, &kept);
    let mut left = READ_AGAIN.max(PROBES * json.len()) / json.len();
    suspects.found.into_iter().find(|path| is_dropped::<T>(&mut pushed, path, &kept, &mut left))
}

/// A step into a JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// The keys that are not at the same path in the kept state.
struct Suspects {
    found: Vec<Vec<Step>>,
    path: Vec<Step>,
    /// `true` if empty values are not suspected. If several forms of a type are tried in turn, a value of
    /// another kind may select another form, which drops the key. A type need not write a known key whose
    /// value is empty, such as `null`.
    without_empty: bool,
}

impl Suspects {
    fn collect(&mut self, pushed: &Value, kept: &Value) {
        match (pushed, kept) {
            (Value::Object(pushed), Value::Object(kept)) => {
                for (key, value) in pushed {
                    self.path.push(Step::Key(key.clone()));
                    match kept.get(key) {
                        Some(kept) => self.collect(value, kept),
                        None if self.without_empty && is_empty(value) => {}
                        None if self.found.len() < SUSPECTS => self.found.push(self.path.clone()),
                        None => {}
                    }
                    self.path.pop();
                }
            }
            (Value::Array(pushed), Value::Array(kept)) => {
                for (index, (value, kept)) in pushed.iter().zip(kept).enumerate() {
                    self.path.push(Step::Index(index));
                    self.collect(value, kept);
                    self.path.pop();
                }
            }
            _ => {}
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
    }
}

/// Returns whether the decoded state is the same for any value of the key. `left` is the number of times that
/// a state may still be read.
fn is_dropped<T: Wire>(pushed: &mut Value, path: &[Step], kept: &Value, left: &mut usize) -> bool {
    let Some((Step::Key(key), parents)) = path.split_last() else { return false };
    let Some(original) = entries(pushed, parents).and_then(|entries| entries.remove(key)) else {
        return false;
    };
    let mut is_kept = |value: Option<Value>| {
        *left = left.checked_sub(1)?;
        if let Some(value) = value {
            entries(pushed, parents)?.insert(key.clone(), value);
        }
        let state = De::<T>::deserialize(&*pushed).ok()?;
        (to_value(&state.0).ok()? == *kept).then_some(())
    };
    let others = [json!("\u{fffd}"), json!(0.5), json!([0]), json!({ "\u{fffd}": 0 }), Value::Null];
    let is_dropped = std::iter::once(None).chain(others.map(Some)).all(|other| is_kept(other).is_some());
    if let Some(entries) = entries(pushed, parents) {
        entries.insert(key.clone(), original);
    }
    is_dropped
}

fn entries<'v>(mut value: &'v mut Value, path: &[Step]) -> Option<&'v mut Map<String, Value>> {
    for step in path {
        value = match step {
            Step::Key(key) => value.get_mut(key)?,
            Step::Index(index) => value.get_mut(index)?,
        };
    }
    value.as_object_mut()
}
