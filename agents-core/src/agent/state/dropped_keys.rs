//! Keys of a pushed state that its type took in silence and did not keep.
//!
//! Serde does not tell which keys it passes over in what it reads twice: flattened fields, and enums with
//! `tag` or `untagged`. There a key that the value does not write again is suspected. The type may know it
//! all the same, under another name (`alias`) or without a need to write it (`skip_serializing_if`). So the
//! state is read again without the key, and with other values under it. A key is dropped when the state is
//! the same each time: a type that knows it refuses some of these values, or keeps one.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::wire::{De, KeyFacts, Wire, to_value};

/// The most that is read again, in bytes of the pushed text, unless one key is more already: a client must
/// not make its state cost many times as much.
const READ_AGAIN: usize = 1 << 20;

/// The most keys that are looked at.
const SUSPECTS: usize = 64;

/// The number of times that a state is read for a key that is dropped.
const PROBES: usize = 6;

/// Returns the path of a key of the pushed text that is not in the state that was read from it; `None` when
/// there is none, and when too much would have to be read to know.
pub(super) fn find<T: Wire>(json: &str, state: &T, facts: &KeyFacts) -> Option<Vec<Step>> {
    // What cannot be written is refused elsewhere.
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

/// The keys that are not in the same place of what is kept.
struct Suspects {
    found: Vec<Vec<Step>>,
    path: Vec<Step>,
    /// Where one form of a type is tried after another, a value of another kind may lead to another form,
    /// which drops the key. So what a known key would not write again, such as `null`, is not suspected.
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

/// Returns whether the state that is read is the same whatever stands under the key. `left` is how many more
/// times a state may be read.
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
