//! The identity of the agent that a client has reached.

/// The agent on the other side, as it names itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The name of the instance.
    pub name: String,
    /// The class, in kebab case.
    pub agent: String,
}
