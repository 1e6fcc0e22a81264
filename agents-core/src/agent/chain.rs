//! Who waits for a handler: the agents that called each other up to it.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::gateway::{CallerLink, Waits};

/// How many agents may wait for each other in a row.
const DEEPEST: usize = 32;

/// The agents that wait for a handler, and what its own agent keeps from others meanwhile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    /// `None` for what no agent and no program called.
    callers: Option<Arc<[CallerLink]>>,
    pub(crate) waits: Waits,
}

/// Where a call of another agent came from, see [`Context::called_by`](crate::Context::called_by).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallOrigin<'a> {
    /// The program, by [`Host::get`](crate::Host::get).
    Host,
    /// An agent.
    #[non_exhaustive]
    Agent {
        /// Its class, as it stands in addresses.
        class: &'a str,
        /// Its name.
        name: &'a str,
    },
}

impl Chain {
    /// The chain of a handler that was called.
    pub(super) fn called(callers: Vec<CallerLink>, waits: Waits) -> Self {
        Self { callers: Some(callers.into()), waits }
    }

    /// Tells whether an agent or the program called.
    pub(super) fn is_call(&self) -> bool {
        self.callers.is_some()
    }

    pub(super) fn origin(&self) -> Option<CallOrigin<'_>> {
        Some(match self.callers.as_ref()?.last() {
            Some(link) => CallOrigin::Agent { class: &link.class, name: &link.name },
            None => CallOrigin::Host,
        })
    }

    /// What the chain is for those whom this agent calls.
    pub(super) fn link(&self, class: &str, name: &str) -> Vec<CallerLink> {
        let mut callers = self.callers.as_deref().unwrap_or_default().to_vec();
        callers.push(CallerLink { class: class.to_owned(), name: name.to_owned(), waits: self.waits });
        callers
    }
}

/// Refuses a call that could only wait for itself.
///
/// # Errors
/// When the agent is closed until this chain is done, or the chain is too long.
pub(super) fn check(callers: &[CallerLink], class: &str, name: &str) -> Result<()> {
    if callers.len() > DEEPEST {
        let message = format!("{DEEPEST} agents wait for each other already");
        return Err(Error::new("call_depth", message));
    }
    if waits(callers, class, name).any(|waits| waits == Waits::Closed) {
        return Err(cycle(class, name));
    }
    Ok(())
}

/// Refuses an exclusive method that this chain itself keeps others out of.
///
/// # Errors
/// When the agent waits in such a method for this chain.
pub(super) fn check_exclusive(callers: &[CallerLink], class: &str, name: &str) -> Result<()> {
    match waits(callers, class, name).any(|waits| waits == Waits::Exclusive) {
        true => Err(cycle(class, name)),
        false => Ok(()),
    }
}

fn waits<'a>(callers: &'a [CallerLink], class: &'a str, name: &'a str) -> impl Iterator<Item = Waits> {
    callers.iter().filter(move |link| link.class == class && link.name == name).map(|link| link.waits)
}

fn cycle(class: &str, name: &str) -> Error {
    Error::new("call_cycle", format!("{class}/{name} waits for this call and lets nobody in meanwhile"))
}
