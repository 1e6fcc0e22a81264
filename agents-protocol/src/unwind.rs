//! Runs and drops code and values of users, so that their panics do not unwind through the runtime.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The text of a caught panic.
#[derive(Debug)]
pub struct Panic(String);

impl Panic {
    /// Takes the text of a panic and drops the rest.
    pub fn new(payload: Box<dyn Any + Send>) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let panic = Self(text.unwrap_or("no message").to_owned());
        // The payload may be a value of the user whose destructor panics. The payload of that second panic is
        // forgotten, not dropped.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
        panic
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Runs code and returns its panic as an error.
pub fn caught<R>(code: impl FnOnce() -> R) -> Result<R, Panic> {
    catch_unwind(AssertUnwindSafe(code)).map_err(Panic::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb(&'static str);

    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::panic_any(Self(self.0));
        }
    }

    #[test]
    fn a_panic_is_caught_with_its_text() {
        assert_eq!(caught(|| 1).unwrap(), 1);
        assert_eq!(caught(|| panic!("on {}", "purpose")).unwrap_err().to_string(), "on purpose");
        assert_eq!(caught(|| panic!("plain")).unwrap_err().to_string(), "plain");
    }

    #[test]
    fn a_payload_that_panics_again_ends_there() {
        let panic = caught(|| drop(Bomb("the value")));
        assert_eq!(panic.unwrap_err().to_string(), "no message");
    }
}
