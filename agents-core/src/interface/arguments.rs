//! The arguments of a call, written.

/// The arguments of a call as a JSON array, one after the other.
///
/// They are written before the call is a future, so that the future is `Send` whatever they are.
///
/// ```
/// use agents_core::interface::CallArguments;
/// use agents_core::wire::to_json;
///
/// let arguments = CallArguments::new().with(&"hi".to_owned(), to_json).with(&Some(20_u32), to_json);
/// assert_eq!(arguments.into_json().unwrap(), r#"["hi",20]"#);
/// assert_eq!(CallArguments::new().into_json().unwrap(), "[]");
/// ```
#[derive(Debug)]
pub struct CallArguments(Result<String, serde_json::Error>);

/// Writes an argument. Given by its type, so that the compiler asks for a wire type at one place.
pub type Write<T> = fn(&T) -> Result<String, serde_json::Error>;

impl CallArguments {
    /// No arguments yet.
    pub fn new() -> Self {
        Self(Ok("[".to_owned()))
    }

    /// Adds an argument.
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

    /// The array.
    ///
    /// # Errors
    /// That an argument has no JSON form, for example a map whose keys are not scalars.
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
