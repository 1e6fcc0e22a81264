//! Who carries a call to an agent.

use crate::interface::CallArguments;
use crate::wire::Wire;

/// Carries calls to one agent and brings back what it answers.
///
/// The typed methods of a class ([`Interface`](crate::interface::Interface)) are generic over this: a client
/// carries them over a socket, a test can carry them nowhere.
///
/// ```
/// use agents_core::interface::{CallArguments, Caller};
/// use agents_core::wire::{Wire, from_json};
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
    /// Why a call failed.
    type Error;

    /// The pieces `T` of a streamed answer, and its result `R` at the end.
    type Stream<T: Wire + 'static, R: Wire + 'static>;

    /// Calls a method, by its name on the wire.
    ///
    /// # Errors
    /// When an argument has no JSON form, the call fails or its answer is not a `T`.
    fn call<T: Wire + 'static>(
        self,
        method: &'static str,
        arguments: CallArguments,
    ) -> impl Future<Output = Result<T, Self::Error>> + Send;

    /// Calls a method that answers in pieces.
    ///
    /// # Errors
    /// When an argument has no JSON form or the call cannot be made; what happens later comes out of the stream.
    fn stream<T: Wire + 'static, R: Wire + 'static>(
        self,
        method: &'static str,
        arguments: CallArguments,
    ) -> impl Future<Output = Result<Self::Stream<T, R>, Self::Error>> + Send;
}
