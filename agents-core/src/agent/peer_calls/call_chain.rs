//! Who waits for a handler: the agents that called each other up to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::gateway::{Blocking, CallerLink};

/// How many agents may wait for each other in a row.
const DEEPEST: usize = 32;

/// The agents that wait for a handler; empty for one that no agent and no program called.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallChain(Option<Arc<Callers>>);

#[derive(Debug)]
struct Callers {
    links: Vec<CallerLink>,
    /// The handler has answered: what goes on in its name is waited for by nobody.
    answered: AtomicBool,
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

/// Notes at its end that a handler has answered.
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
    /// The chain of a handler that was called.
    pub(in crate::agent) fn called(links: Vec<CallerLink>) -> Self {
        Self(Some(Arc::new(Callers { links, answered: AtomicBool::new(false) })))
    }

    /// The handler runs until this is dropped.
    pub(in crate::agent) fn answering(&self) -> Answering {
        Answering(self.clone())
    }

    /// Tells whether an agent or the program called.
    pub(in crate::agent) fn is_call(&self) -> bool {
        self.0.is_some()
    }

    pub(in crate::agent) fn origin(&self) -> Option<CallOrigin<'_>> {
        Some(match self.0.as_ref()?.links.last() {
            Some(link) => CallOrigin::Agent { class: &link.class, name: &link.name },
            None => CallOrigin::Host,
        })
    }

    /// The chain of those whom this agent calls, while it waits in this way.
    ///
    /// # Errors
    /// When the callee is closed until this chain is done, or the chain is too long.
    pub(in crate::agent) fn call(
        &self,
        from: CallerLink,
        class: &str,
        name: &str,
    ) -> Result<Vec<CallerLink>> {
        let mut links = self.waiting().to_vec();
        links.push(from);
        if links.len() > DEEPEST {
            let message = format!("{DEEPEST} agents wait for each other already");
            return Err(Error::new("call_depth", message));
        }
        if waits(&links, class, name).any(|waits| waits == Blocking::Closed) {
            return Err(cycle(class, name));
        }
        Ok(links)
    }

    /// Refuses exclusive work of an agent that this chain itself keeps others out of.
    ///
    /// # Errors
    /// When the agent waits in such work for this chain.
    pub(in crate::agent) fn check_exclusive(&self, class: &str, name: &str) -> Result<()> {
        match waits(self.waiting(), class, name).any(|waits| waits == Blocking::Exclusive) {
            true => Err(cycle(class, name)),
            false => Ok(()),
        }
    }

    /// Those who wait at this moment.
    fn waiting(&self) -> &[CallerLink] {
        match &self.0 {
            Some(callers) if !callers.answered.load(Ordering::Acquire) => &callers.links,
            _ => &[],
        }
    }
}

fn waits<'a>(callers: &'a [CallerLink], class: &'a str, name: &'a str) -> impl Iterator<Item = Blocking> {
    callers.iter().filter(move |link| link.class == class && link.name == name).map(|link| link.waits)
}

fn cycle(class: &str, name: &str) -> Error {
    Error::new("call_cycle", format!("{class}/{name} waits for this call and lets nobody in meanwhile"))
}
