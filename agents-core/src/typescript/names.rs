//! Names that TypeScript reserves, and conflicts between the names of types.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// Words that cannot name a parameter. Methods may have these names.
const RESERVED: [&str; 47] = [
    "arguments",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "with",
];

/// Further words that cannot name a type; some of them fail only where the type is used.
const RESERVED_FOR_TYPES: [&str; 6] = ["as", "infer", "keyof", "readonly", "unique", "yield"];

/// Types of TypeScript that cannot be declared again, and those that the generated module uses.
///
/// The module uses no other global type: a program may have its own `Record` or `Map`.
const BUILT_IN: [&str; 12] = [
    "Array",
    "Promise",
    "any",
    "bigint",
    "boolean",
    "never",
    "number",
    "object",
    "string",
    "symbol",
    "undefined",
    "unknown",
];

/// Returns the name of a parameter. Callers pass arguments by position, so the name may be changed.
pub(super) fn parameter(name: &str) -> String {
    if name == "yield" || RESERVED.contains(&name) { format!("{name}_") } else { name.to_owned() }
}

/// Returns the name of a method in an interface, where `new(..)` would be a constructor.
pub(super) fn method(name: &str) -> String {
    if name == "new" { "\"new\"".to_owned() } else { name.to_owned() }
}

/// The names in the module, each with its owner.
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    pub(super) fn new() -> Self {
        Self(BUILT_IN.map(|name| (name.to_owned(), format!("TypeScript's own `{name}`"))).into())
    }

    /// Reserves a name for a Rust type.
    ///
    /// # Errors
    /// When the name is already used, with both owners.
    pub(super) fn take(&mut self, name: &str, rust_name: &str) -> Result<()> {
        self.take_for(name, format!("`{rust_name}`"))
    }

    /// Reserves a name for a declaration that belongs to a class.
    pub(super) fn take_beside(&mut self, name: &str, rust_name: &str, what: &str) -> Result<()> {
        self.take_for(name, format!("{what} of `{rust_name}`"))
    }

    fn take_for(&mut self, name: &str, owner: String) -> Result<()> {
        let is_identifier =
            name.chars().next().is_some_and(|first| first.is_alphabetic() || "_$".contains(first))
                && name.chars().all(|letter| letter.is_alphanumeric() || "_$".contains(letter));
        if !is_identifier || RESERVED.contains(&name) || RESERVED_FOR_TYPES.contains(&name) {
            let message = format!("{owner} would be called `{name}` in TypeScript, which is invalid");
            return Err(Error::new("types_name", message));
        }
        match self.0.insert(name.to_owned(), owner) {
            None => Ok(()),
            Some(first) => {
                let second = self.0.get(name).map_or("", String::as_str);
                let message = format!(
                    "{first} and {second} are both called `{name}` in TypeScript: rename one, a wire type also by \
                     `#[ts(rename = \"..\")]`"
                );
                Err(Error::new("types_name", message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_no_parameters() {
        assert_eq!(parameter("default"), "default_");
        assert_eq!(parameter("yield"), "yield_");
        assert_eq!(parameter("body"), "body");
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn both_owners_of_a_name_are_told() {
        let mut names = Names::new();
        names.take("Post", "blog::Post").unwrap();
        let error = names.take("Post", "mail::Post").unwrap_err().to_string();
        assert!(error.starts_with("`blog::Post` and `mail::Post` are both called `Post`"), "{error}");
        let error = names.take("Array", "mine::Array").unwrap_err().to_string();
        assert!(error.starts_with("TypeScript's own `Array` and `mine::Array` are"), "{error}");
        names.take_beside("RoomWrites", "chat::Room", "the writes").unwrap();
        let error = names.take("RoomWrites", "chat::RoomWrites").unwrap_err().to_string();
        assert!(error.starts_with("the writes of `chat::Room` and `chat::RoomWrites` are"), "{error}");
        for name in ["a-b", "", "1st", "class", "keyof", "yield"] {
            let error = names.take(name, "chat::Room").unwrap_err().to_string();
            assert!(error.contains("is invalid"), "{error}");
        }
    }
}
