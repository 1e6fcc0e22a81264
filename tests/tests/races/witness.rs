//! The reports of instances and tasks to their test, and values that panic when they are dropped.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use agents::object::{KeepAwake, ObjectContext};
use agents::prelude::*;

use crate::random::Random;

/// The reports of all activations of all objects to their test.
#[derive(Default)]
pub(crate) struct Witness {
    seen: Mutex<Seen>,
    /// The random source that decides which destructors panic. Without it, none panics.
    bombs: Mutex<Option<Random>>,
}

#[derive(Default)]
pub(crate) struct Seen {
    live: HashMap<String, usize>,
    /// The number of connects that were handled, by connection.
    pub(crate) connects: HashMap<(u64, String), usize>,
    pub(crate) closes: HashMap<(u64, String), usize>,
    /// The number of the host's run.
    pub(crate) run: u64,
    pub(crate) violations: Vec<String>,
}

impl Witness {
    /// Creates a witness whose instances and tasks sometimes panic when they are dropped.
    pub(crate) fn with_bombs(seed: u64) -> Self {
        Self { bombs: Mutex::new(Some(Random::new(seed))), ..Self::default() }
    }

    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Seen) -> R) -> R {
        work(&mut self.seen.lock().unwrap())
    }

    pub(crate) fn goes_off(&self) -> bool {
        self.bombs.lock().unwrap().as_mut().is_some_and(|random| random.below(3) == 0)
    }

    pub(crate) fn violated(&self, what: String) {
        self.with(|seen| seen.violations.push(what));
    }

    /// Panics with all violations.
    pub(crate) fn check(&self) {
        let violations = self.with(|seen| std::mem::take(&mut seen.violations));
        assert!(violations.is_empty(), "{violations:#?}");
    }

    pub(crate) fn live(&self) -> usize {
        self.with(|seen| seen.live.values().sum())
    }

    pub(crate) fn connect(&self, id: &str) {
        self.with(|seen| *seen.connects.entry((seen.run, id.to_owned())).or_default() += 1);
    }

    pub(crate) fn close(&self, id: &str) {
        self.with(|seen| *seen.closes.entry((seen.run, id.to_owned())).or_default() += 1);
    }
}

/// An instance, from its creation to its drop.
pub(crate) struct InstanceWatch {
    pub(crate) witness: Arc<Witness>,
    who: String,
    pub(crate) started: bool,
    /// `true` once the instance was replaced. Handlers that run on it finish beside the next instance.
    replaced: AtomicBool,
}

impl InstanceWatch {
    pub(crate) fn new(witness: &Arc<Witness>, who: String) -> Self {
        let live = witness.with(|seen| {
            let live = seen.live.entry(who.clone()).or_default();
            *live += 1;
            *live
        });
        if live != 1 {
            witness.violated(format!("{live} instances of {who} at once"));
        }
        Self { witness: witness.clone(), who, started: false, replaced: AtomicBool::new(false) }
    }

    pub(crate) fn check_started(&self) {
        if !self.started {
            self.witness.violated(format!("{} does something before it has started", self.who));
        }
    }
}

impl InstanceWatch {
    /// Marks the end of this instance: it is dropped, or about to be replaced, so another instance may start.
    pub(crate) fn ends(&self) {
        if !self.replaced.swap(true, Ordering::Relaxed) {
            self.witness.with(|seen| *seen.live.entry(self.who.clone()).or_default() -= 1);
        }
    }
}

impl Drop for InstanceWatch {
    fn drop(&mut self) {
        self.ends();
    }
}

/// The text that is sent in turns and transactions that are undone.
pub(crate) const NEVER: &str = "never";
/// The message with which a destructor panics.
pub(crate) const BOMB: &str = "a destructor panics";

/// A value that may panic when it is dropped.
pub(crate) struct Bomb(pub(crate) Option<Arc<Witness>>);

impl Drop for Bomb {
    fn drop(&mut self) {
        // A second panic during unwinding aborts every program.
        if !std::thread::panicking() && self.0.as_ref().is_some_and(|witness| witness.goes_off()) {
            panic!("{BOMB}");
        }
    }
}

/// A value of a task. It keeps the object awake, and reads from the object when it is dropped.
pub(crate) struct Owned {
    object: ObjectContext,
    _awake: KeepAwake,
    pub(crate) bomb: Bomb,
}

impl Owned {
    pub(crate) fn new(object: &ObjectContext, witness: &Arc<Witness>) -> Result<Self> {
        let _awake = object.keep_awake("a task")?;
        Ok(Self { object: object.clone(), _awake, bomb: Bomb(Some(witness.clone())) })
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // The access is refused outside of a turn.
        let _ = self.object.storage().get::<u64>("count");
    }
}
