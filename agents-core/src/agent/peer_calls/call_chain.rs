//! The chain of agents that called each other and wait for a handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::agent::peer_calls::call_head::CallerLink;
use crate::error::{Error, Result};
use crate::object::BlockedPart;

/// The maximum number of agents that wait for each other in a chain.
const DEEPEST: usize = 32;

/// The agents that wait for a handler; empty if neither an agent nor the program called it.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallChain(Option<Arc<Callers>>);

#[derive(Debug)]
struct Callers {
    links: Vec<CallerLink>,
    /// `true` if the handler has answered; no caller waits for code that runs on afterwards.
    answered: AtomicBool,
}

/// The origin of a call, see [`Context::called_by`](crate::Context::called_by).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallOrigin<'a> {
    /// The program, by [`Host::get`](crate::Host::get).
    Host,
    /// An agent.
    #[non_exhaustive]
    Agent {
        /// The class, as it appears in addresses.
        class: &'a str,
        /// The name.
        name: &'a str,
    },
}

/// A guard that records on drop that a handler has answered.
#[derive(Debug)]
pub(in crate::agent) struct Answering(CallChain);

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(callers) = &self.0.0 {
            callers.answered.store(true, Ordering::Release);
        }
    }
}

impl CallChain {
    /// Returns the chain of a handler that was called.
    pub(in crate::agent) fn called(links: Vec<CallerLink>) -> Self {
        Self(Some(Arc::new(Callers { links, answered: AtomicBool::new(false) })))
    }

    /// Returns a guard; the handler runs until the guard is dropped.
    pub(in crate::agent) fn answering(&self) -> Answering {
        Answering(self.clone())
    }

    /// Returns whether an agent or the program called.
    pub(in crate::agent) fn is_call(&self) -> bool {
        self.0.is_some()
    }

    pub(in crate::agent) fn origin(&self) -> Option<CallOrigin<'_>> {
        Some(match self.0.as_ref()?.links.last() {
            Some(link) => CallOrigin::Agent { class: &link.class, name: &link.name },
            None => CallOrigin::Host,
        })
    }

    /// Returns the chain for a call of another agent; `from` states what this agent blocks while it waits.
    ///
    /// # Errors
    /// When the callee accepts no calls until this chain ends, or the chain is too long.
    pub(in crate::agent) fn call(
        &self,
        from: CallerLink,
        class: &str,
        name: &str,
    ) -> Result<Vec<CallerLink>> {
        let mut links = self.waiting().to_vec();
        links.push(from);
        if links.len() > DEEPEST {
            let message = format!("{DEEPEST} agents already wait for each other");
            return Err(Error::new("call_depth", message));
        }
        if waits(&links, class, name).any(|waits| waits == BlockedPart::Everything) {
            return Err(cycle(class, name));
        }
        Ok(links)
    }

    /// Checks that this chain does not itself block exclusive work of an agent.
    ///
    /// # Errors
    /// When the agent waits for this chain in exclusive work.
    pub(in crate::agent) fn check_exclusive(&self, class: &str, name: &str) -> Result<()> {
        match waits(self.waiting(), class, name).any(|waits| waits == BlockedPart::Exclusive) {
            true => Err(cycle(class, name)),
            false => Ok(()),
        }
    }

    /// Returns the agents that wait at this moment.
    fn waiting(&self) -> &[CallerLink] {
        match &self.0 {
            Some(callers) if !callers.answered.load(Ordering::Acquire) => &callers.links,
            _ => &[],
        }
    }
}

fn waits<'a>(callers: &'a [CallerLink], class: &'a str, name: &'a str) -> impl Iterator<Item = BlockedPart> {
    callers.iter().filter(move |link| link.class == class && link.name == name).map(|link| link.waits)
}

fn cycle(class: &str, name: &str) -> Error {
    Error::new("call_cycle", format!("{class}/{name} waits for this call and accepts no other until then"))
}
