//! The transport of calls to an agent.

use crate::interface::CallArguments;
use crate::wire::Wire;

/// A transport that carries calls to one agent and returns its answers.
///
/// The typed methods of a class ([`Interface`](crate::interface::Interface)) are generic over this trait. A
/// client sends the calls over a socket; a test can answer them itself.
///
/// ```
/// use agents_protocol::interface::{CallArguments, Caller};
/// use agents_protocol::wire::{Wire, from_json};
///
/// /// Answers every call with its own arguments.
/// #[derive(Clone)]
/// struct Mirror;
///
/// impl Caller for Mirror {
///     type Error = serde_json::Error;
///     type Stream<T: Wire + 'static, R: Wire + 'static> = ();
///
///     async fn call<T: Wire + 'static>(self, _: &'static str, arguments: CallArguments) -> serde_json::Result<T> {
///         from_json(&arguments.into_json()?)
///     }
///
///     async fn stream<T: Wire + 'static, R: Wire + 'static>(
///         self,
///         _: &'static str,
///         _: CallArguments,
///     ) -> serde_json::Result<()> {
///         Ok(())
///     }
/// }
/// ```
pub trait Caller: Clone + Send + Sync + 'static {
    /// The error of a call that failed.
    type Error;

    /// A streamed answer: its items of type `T`, and its final result of type `R`.
    type Stream<T: Wire + 'static, R: Wire + 'static>;

    /// Calls a method by its name on the wire.
    ///
    /// # Errors
    /// Fails when an argument has no JSON form, when the call fails, or when the answer is not a `T`.
    fn call<T: Wire + 'static>(
        self,
        method: &'static str,
        arguments: CallArguments,
    ) -> impl Future<Output = Result<T, Self::Error>> + Send;

    /// Calls a method that streams its answer.
    ///
    /// # Errors
    /// Fails when an argument has no JSON form or when the call cannot be made. Later errors come out of the
    /// stream.
    fn stream<T: Wire + 'static, R: Wire + 'static>(
        self,
        method: &'static str,
        arguments: CallArguments,
    ) -> impl Future<Output = Result<Self::Stream<T, R>, Self::Error>> + Send;
}
