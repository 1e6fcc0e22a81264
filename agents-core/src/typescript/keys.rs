//! Keys of maps, which are texts in JSON for any type in Rust.

use std::collections::HashSet;

use crate::wire::Declaration;

const KEY: &str = "[key in ";

/// The declared types that are another name of `boolean`.
pub(super) struct Keys(HashSet<String>);

impl Keys {
    /// Finds these types.
    pub(super) fn of(declarations: &[Declaration]) -> Self {
        let mut booleans = HashSet::from(["boolean".to_owned()]);
        // A name may refer to a name that is declared later.
        loop {
            let before = booleans.len();
            for Declaration { name, text, .. } in declarations {
                let alias =
                    text.as_deref().ok().and_then(|text| text.strip_prefix("type ")?.strip_suffix(';'));
                if alias.and_then(|text| text.split_once(" = ")).is_some_and(|(_, is)| booleans.contains(is))
                {
                    booleans.insert(name.clone());
                }
            }
            if booleans.len() == before {
                return Self(booleans);
            }
        }
    }

    /// Rewrites the keys of maps that TypeScript does not accept: a boolean, and a generic parameter.
    pub(super) fn write(&self, text: &str) -> String {
        let generics = generics(text);
        let mut parts = text.split(KEY);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (key, rest) = part.split_once(']').unwrap_or((part, ""));
            let key_and_rest = if self.0.contains(key) {
                format!("\"true\" | \"false\"]?{rest}")
            } else if generics.contains(&key) {
                format!("`${{{key} & (string | number | boolean)}}`]{rest}")
            } else {
                part.to_owned()
            };
            out.push_str(KEY);
            out.push_str(&key_and_rest);
        }
        out
    }
}

/// Returns the parameters of `type Page<T, U> = ..`.
fn generics(declaration: &str) -> Vec<&str> {
    let head = declaration.split_once(" = ").map_or("", |(head, _)| head);
    let list = head.split_once('<').and_then(|(_, list)| list.strip_suffix('>'));
    list.map(|list| list.split(", ").collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declaration(name: &str, text: &str) -> Declaration {
        let (rust_name, docs) = (name.to_owned(), String::new());
        Declaration { rust_name, name: name.to_owned(), docs, text: Ok(text.to_owned()) }
    }

    #[test]
    fn booleans_are_two_texts() {
        let keys = Keys::of(&[
            declaration("Outer", "type Outer = Flag;"),
            declaration("Flag", "type Flag = boolean;"),
            declaration("Name", "type Name = string;"),
        ]);
        for (text, expected) in [
            ("{ [key in boolean]: number }", r#"{ [key in "true" | "false"]?: number }"#),
            (
                "{ [key in Outer]: { [key in Flag]: X } }",
                r#"{ [key in "true" | "false"]?: { [key in "true" | "false"]?: X } }"#,
            ),
            ("{ [key in Name]: number }", "{ [key in Name]: number }"),
            ("{ [key in Plain]?: number }", "{ [key in Plain]?: number }"),
            ("plain", "plain"),
        ] {
            assert_eq!(keys.write(text), expected);
        }
    }

    #[test]
    fn generic_keys_become_texts() {
        let keys = Keys::of(&[]);
        assert_eq!(
            keys.write("type Index<K, V> = { by: { [key in K]: V }, [key in string]: V };"),
            "type Index<K, V> = { by: { [key in `${K & (string | number | boolean)}`]: V }, [key in string]: V };"
        );
    }
}
