//! The arguments of a call as JSON.

/// The arguments of a call as a JSON array, written one after the other.
///
/// The arguments are written before the future of the call is made, so that the future is `Send` for
/// arguments of any type.
///
/// ```
/// use agents_protocol::interface::CallArguments;
/// use agents_protocol::wire::to_json;
///
/// let arguments = CallArguments::new().with(&"hi".to_owned(), to_json).with(&Some(20_u32), to_json);
/// assert_eq!(arguments.into_json().unwrap(), r#"["hi",20]"#);
/// assert_eq!(CallArguments::new().into_json().unwrap(), "[]");
/// ```
#[derive(Debug)]
pub struct CallArguments(Result<String, serde_json::Error>);

/// A function that writes an argument. The caller passes it with a concrete type, so that the compiler
/// reports a missing wire type in one place.
pub type Write<T> = fn(&T) -> Result<String, serde_json::Error>;

impl CallArguments {
    /// Returns an empty list of arguments.
    pub fn new() -> Self {
        Self(Ok("[".to_owned()))
    }

    /// Appends an argument.
    #[must_use]
    pub fn with<T>(mut self, value: &T, write: Write<T>) -> Self {
        if let Ok(text) = &mut self.0 {
            match write(value) {
                Ok(json) => {
                    if text.len() > 1 {
                        text.push(',');
                    }
                    text.push_str(&json);
                }
                Err(error) => self.0 = Err(error),
            }
        }
        self
    }

    /// Returns the JSON array.
    ///
    /// # Errors
    /// Fails when an argument has no JSON form, for example a map whose keys are not scalars.
    pub fn into_json(self) -> Result<String, serde_json::Error> {
        self.0.map(|text| text + "]")
    }
}

impl Default for CallArguments {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::wire::to_json;

    #[test]
    fn the_first_argument_without_a_form_is_told() {
        let keys = BTreeMap::from([(vec![1_u8], 1_u8)]);
        let arguments = CallArguments::new().with(&1_u8, to_json).with(&keys, to_json).with(&2_u8, to_json);
        assert!(arguments.into_json().unwrap_err().to_string().contains("key must be a string"));
    }
}
