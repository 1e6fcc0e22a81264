//! Admission of requests: the input and the result of the host's hook, logins in cookies, and signed tokens.
//!
//! Two functions decide:
//!
//! - [`Agents::authorize`](crate::Agents::authorize) takes one function for the whole host. It is asked about
//!   every handshake *and* every HTTP request, before the agent wakes, so a refused request costs little.
//! - The hook `authorize` of a class runs in the agent, which knows its own state and database. It is asked
//!   about *connections alone*. Its result becomes the connection's state, which survives hibernation.
//!
//! They work together: the first identifies the client, the second decides whether this client may connect to
//! this agent.

mod admission;
mod admission_request;
mod session_key;
#[cfg(test)]
mod session_tests;
mod sessions;
mod set_cookie;
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
pub use sessions::Sessions;
pub use set_cookie::SetCookie;
#[cfg(feature = "jwt")]
pub use tokens::Tokens;
