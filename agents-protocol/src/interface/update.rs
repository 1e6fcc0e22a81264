//! The return types of closures that change a state. They are recognised by a trait, not by the spelling of
//! the type.

use crate::error::Result;
use crate::wire::Wire;

/// The return type of a closure that changes a state: a wire value, nothing, or a `Result` of any type.
///
/// An error in the `Result` undoes the change.
#[diagnostic::on_unimplemented(
    message = "a closure that changes a state cannot return `{Self}`",
    label = "not a valid return type here",
    note = "return nothing, a wire value, or `agents::Result<T>`, whose error undoes the change"
)]
pub trait UpdateResult {
    /// The type of the value that the caller gets.
    type Output;

    /// Converts the value into a `Result`.
    ///
    /// # Errors
    /// The error that the closure returned.
    fn into_output(self) -> Result<Self::Output>;
}

impl<T: Wire> UpdateResult for T {
    type Output = T;

    fn into_output(self) -> Result<T> {
        Ok(self)
    }
}

impl<T> UpdateResult for Result<T> {
    type Output = T;

    fn into_output(self) -> Result<T> {
        self
    }
}
