//! Who may come in: what the host's hook is asked and what it answers, and signed tokens.
//!
//! There are two places to decide:
//!
//! - [`Agents::authorize`](crate::Agents::authorize) takes one function for the whole host. It is asked about
//!   every handshake *and* every HTTP request, before the agent wakes, so a stranger costs little.
//! - The hook `authorize` of a class is asked by the agent itself, which knows its own state and
//!   database, about *connections alone*. What it returns becomes the connection's state, which
//!   survives hibernation.
//!
//! They work together: the first finds out who it is, the second whether that one may enter this room.

mod admission;
mod admission_request;
#[cfg(all(test, feature = "jwt"))]
mod tests;
#[cfg(feature = "jwt")]
mod token_key;
#[cfg(feature = "jwt")]
mod token_source;
#[cfg(feature = "jwt")]
mod tokens;

pub use admission::Admission;
pub use admission_request::AdmissionRequest;
pub(crate) use admission_request::Shared;
#[cfg(feature = "jwt")]
pub use tokens::Tokens;
