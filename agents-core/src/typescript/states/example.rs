//! Examples of the values of a type, so that each alternative is in at least one.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::syntax::{Declared, Form};

/// The number of parts that the examples of a type may have together.
const LARGEST: usize = 20_000;

/// A value whose texts and numbers are still to be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Example {
    Open(Leaf),
    Fixed(Value),
    List(Vec<Self>),
    Object(Vec<(Key, Self)>),
}

/// A value that the form does not determine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    Text,
    Number,
}

/// A key of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Fixed(String),
    Open(Leaf),
}

impl Example {
    /// Makes examples of a form. There are no examples of a type without values.
    ///
    /// # Errors
    /// Fails for a name that is not declared, and for a type that is too large.
    pub(super) fn all(form: &Form, declared: &Declared) -> Result<Vec<Self>, String> {
        // A type within itself is written out once, if that is not too much.
        let of = |depth| Maker { declared, depth, within: HashMap::new(), parts: 0 }.all(form);
        of(2).or_else(|_| of(1))
    }

    /// Returns the kinds of the open parts, in the order in which [`value`](Self::value) asks for them.
    pub(super) fn leaves(&self) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        self.value(&mut |leaf| {
            leaves.push(leaf);
            Value::Null
        });
        leaves
    }

    /// Returns the value with its open parts chosen.
    pub(super) fn value(&self, choose: &mut impl FnMut(Leaf) -> Value) -> Value {
        match self {
            Self::Open(leaf) => choose(*leaf),
            Self::Fixed(value) => value.clone(),
            Self::List(items) => items.iter().map(|item| item.value(choose)).collect(),
            Self::Object(entries) => {
                let mut object = Map::new();
                for (key, value) in entries {
                    let key = match key {
                        Key::Fixed(name) => name.clone(),
                        Key::Open(leaf) => match choose(*leaf) {
                            Value::String(text) => text,
                            other => other.to_string(),
                        },
                    };
                    object.insert(key, value.value(choose));
                }
                object.into()
            }
        }
    }
}

struct Maker<'d> {
    declared: &'d Declared,
    /// The number of times that a type may be within itself.
    depth: usize,
    within: HashMap<Form, usize>,
    parts: usize,
}

impl Maker<'_> {
    fn all(&mut self, form: &Form) -> Result<Vec<Example>, String> {
        let examples = match form {
            Form::Text => vec![Example::Open(Leaf::Text)],
            Form::Number => vec![Example::Open(Leaf::Number)],
            Form::Boolean => vec![Example::Fixed(true.into())],
            Form::Null | Form::Any => vec![Example::Fixed(Value::Null)],
            Form::None => Vec::new(),
            Form::Literal(text) => vec![Example::Fixed(text.as_str().into())],
            // One list has all examples of its items.
            Form::Array(item) => vec![Example::List(self.all(item)?)],
            Form::Tuple(items) => {
                let columns = items.iter().map(|item| self.all(item)).collect::<Result<Vec<_>, _>>()?;
                side_by_side(&columns, |row| Some(Example::List(row.into_iter().cloned().collect())))
            }
            Form::Object(members) => {
                let mut columns = Vec::new();
                for member in members {
                    let present = self.all(&member.form)?.into_iter();
                    let entry = |value| Example::Object(vec![(Key::Fixed(member.name.clone()), value)]);
                    let mut column: Vec<_> = present.map(entry).collect();
                    if member.is_optional {
                        column.push(Example::Object(Vec::new()));
                    }
                    columns.push(column);
                }
                side_by_side(&columns, merged)
            }
            Form::Map(key, value) => self.map(key, value)?,
            Form::Union(forms) => {
                let mut all = Vec::new();
                for form in forms {
                    all.extend(self.all(form)?);
                }
                all
            }
            Form::Both(forms) => {
                let columns = forms.iter().map(|form| self.all(form)).collect::<Result<Vec<_>, _>>()?;
                side_by_side(&columns, merged)
            }
            Form::Named(name, arguments) => self.named(form, name, arguments)?,
        };
        self.parts += examples.iter().map(size).sum::<usize>();
        if self.parts > LARGEST {
            return Err("the type is too large".to_owned());
        }
        Ok(examples)
    }

    fn named(&mut self, form: &Form, name: &str, arguments: &[Form]) -> Result<Vec<Example>, String> {
        let times = self.within.entry(form.clone()).or_default();
        if *times == self.depth {
            return Ok(Vec::new());
        }
        *times += 1;
        let known = self.declared.get(name, arguments);
        let known = known.ok_or_else(|| format!("the form of `{name}` is not known"))?;
        let examples = self.all(&known);
        if let Some(times) = self.within.get_mut(form) {
            *times -= 1;
        }
        examples
    }

    /// Makes maps with one entry each, because texts that are chosen later may be equal.
    fn map(&mut self, key: &Form, value: &Form) -> Result<Vec<Example>, String> {
        let (keys, values) = (self.all(key)?, self.all(value)?);
        let key = |example: &Example| match example {
            Example::Open(leaf) => Some(Key::Open(*leaf)),
            Example::Fixed(Value::String(text)) => Some(Key::Fixed(text.clone())),
            Example::Fixed(value) => Some(Key::Fixed(value.to_string())),
            _ => None,
        };
        let keys: Vec<_> = keys.iter().filter_map(key).collect();
        let count = match keys.is_empty() || values.is_empty() {
            true => return Ok(vec![Example::Object(Vec::new())]),
            false => keys.len().max(values.len()),
        };
        let entry = |at: usize| (keys[at % keys.len()].clone(), values[at % values.len()].clone());
        Ok((0..count).map(|at| Example::Object(vec![entry(at)])).collect())
    }
}

/// Joins columns of examples row by row. A short column begins again, and an empty one leaves nothing.
fn side_by_side(columns: &[Vec<Example>], join: impl Fn(Vec<&Example>) -> Option<Example>) -> Vec<Example> {
    if columns.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    let rows = columns.iter().map(Vec::len).max().unwrap_or(1);
    (0..rows)
        .filter_map(|row| join(columns.iter().map(|column| &column[row % column.len()]).collect()))
        .collect()
}

/// Merges objects; other values cannot be merged.
fn merged(parts: Vec<&Example>) -> Option<Example> {
    let mut all = Vec::new();
    for part in parts {
        let Example::Object(entries) = part else { return None };
        all.extend(entries.iter().cloned());
    }
    Some(Example::Object(all))
}

fn size(example: &Example) -> usize {
    1 + match example {
        Example::List(items) => items.iter().map(size).sum(),
        Example::Object(entries) => entries.iter().map(|(_, value)| size(value)).sum(),
        Example::Open(_) | Example::Fixed(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::Declaration;

    fn examples(text: &str, declared: &[(&str, &str)]) -> Vec<Value> {
        let declarations: Vec<_> = declared
            .iter()
            .map(|(name, text)| Declaration {
                rust_name: (*name).to_owned(),
                name: (*name).to_owned(),
                docs: String::new(),
                text: Ok((*text).to_owned()),
            })
            .collect();
        let declared = Declared::of(&declarations).unwrap();
        let all = Example::all(&Form::parse(text).unwrap(), &declared).unwrap();
        let choose = |leaf| if leaf == Leaf::Text { json!("t") } else { json!(1) };
        all.iter().map(|example| example.value(&mut { choose })).collect()
    }

    #[test]
    fn each_alternative_is_in_an_example() {
        for (text, expected) in [
            ("Array<number | \"a\">", json!([[1, "a"]])),
            ("{ a: string, b?: boolean }", json!([{ "a": "t", "b": true }, { "a": "t" }])),
            (
                "{ \"t\": \"a\" } & { x: number } | { \"t\": \"b\", c: \"d\" | \"e\" }",
                json!([{ "t": "a", "x": 1 }, { "t": "b", "c": "d" }, { "t": "b", "c": "e" }]),
            ),
            ("{ [key in number]: [string, null] }", json!([{ "1": ["t", null] }])),
            ("{ [key in \"a\" | \"b\"]?: number }", json!([{ "a": 1 }, { "b": 1 }])),
            ("{ [key in symbol]: never }", json!([{}])),
            ("{}", json!([{}])),
            ("never", json!([])),
        ] {
            assert_eq!(json!(examples(text, &[])), expected, "{text}");
        }
    }

    #[test]
    fn a_type_within_itself_ends() {
        let tree = ("Tree", "type Tree = { value: number, children: Array<Tree>, };");
        assert_eq!(
            json!(examples("Tree", &[tree])),
            json!([{ "value": 1, "children": [{ "value": 1, "children": [] }] }])
        );
        let sum = ("Sum", "type Sum = number | { \"add\": [Sum, Sum] };");
        assert_eq!(json!(examples("Sum", &[sum])), json!([1, { "add": [1, 1] }]));
        assert_eq!(
            examples("Endless", &[("Endless", "type Endless = { next: Endless };")]),
            [Value::Null; 0]
        );
    }
}
