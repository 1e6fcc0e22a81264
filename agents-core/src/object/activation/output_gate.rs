//! The output gate: no effect leaves before the writes that it depends on are durable.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::Waker;

use tokio::sync::oneshot;

use crate::gateway::{Budget, FREE_BYTES, MemoryPermit, ToGateway};
use crate::limits::Limit;

/// The number of last wakers that are compared with a new one.
const LAST_WAKERS: usize = 16;

/// The effects of an object that have not left, in their order, bounded by their bytes.
///
/// Every effect is stamped with the number of the commit that it may depend on: the next commit when there
/// are uncommitted writes, else the last one. An effect leaves when its commit is durable.
#[derive(Debug)]
pub(crate) struct Gate {
    staged: Vec<ToGateway>,
    /// The handlers of the turns in `staged` that wait until their effects have left.
    staged_waiters: Vec<oneshot::Sender<()>>,
    waiting: VecDeque<Batch>,
    durable: u64,
    /// The bytes in `staged`; `bytes` counts all effects of the gate.
    staged_bytes: usize,
    bytes: usize,
    limit: usize,
    budget: Arc<Budget>,
    /// The part of the budget that the effects of the gate use.
    permit: MemoryPermit,
    /// Handlers and an activation that wait for space in the gate.
    paused: Vec<Waker>,
}

/// Effects that wait for the same commit.
#[derive(Debug)]
struct Batch {
    stamp: u64,
    bytes: usize,
    effects: Vec<ToGateway>,
    waiters: Vec<oneshot::Sender<()>>,
}

/// The effects that leave the gate, and the handlers that wait until that has happened.
#[derive(Debug, Default)]
pub(crate) struct Released {
    pub(crate) effects: Vec<ToGateway>,
    pub(crate) waiters: Vec<oneshot::Sender<()>>,
}

impl Released {
    pub(crate) fn is_empty(&self) -> bool {
        self.effects.is_empty() && self.waiters.is_empty()
    }
}

impl Gate {
    /// Returns a gate for this many bytes, which count in a budget that objects share.
    pub(crate) fn new(limit: usize, budget: Arc<Budget>) -> Self {
        Self {
            staged: Vec::new(),
            staged_waiters: Vec::new(),
            waiting: VecDeque::new(),
            durable: 0,
            staged_bytes: 0,
            bytes: 0,
            limit: limit.max(FREE_BYTES),
            budget,
            permit: MemoryPermit::default(),
            paused: Vec::new(),
        }
    }

    /// Returns the limit that this many more bytes would exceed. An empty gate accepts one effect of any
    /// size.
    pub(crate) fn reached(&self, more: usize) -> Option<Limit> {
        let bytes = self.bytes.saturating_add(more);
        if self.bytes == 0 {
            return None;
        }
        if bytes > self.limit {
            return Some(Limit::OutgoingBytesPerAgent);
        }
        // With a used-up budget, a turn begins with at most `FREE_BYTES` waiting, and may send as much again.
        (bytes > 2 * FREE_BYTES && self.budget.is_used_up()).then_some(Limit::OutgoingBytes)
    }

    /// Returns whether so many bytes wait that no turn begins. Half of the limit is free when a turn begins,
    /// so that earlier effects are not a reason to refuse what the turn sends.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes > self.limit / 2 || (self.bytes > FREE_BYTES && self.budget.is_used_up())
    }

    /// Returns the number of bytes of the effects that have not left.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Registers a task to be woken when the gate is no longer full.
    pub(crate) fn wait(&mut self, waker: &Waker) {
        if !self.paused.iter().rev().take(LAST_WAKERS).any(|other| other.will_wake(waker)) {
            self.paused.push(waker.clone());
        }
    }

    /// Returns the tasks that waited, if the gate has space again.
    pub(crate) fn resumed(&mut self) -> Vec<Waker> {
        if self.paused.is_empty() || self.is_full() { Vec::new() } else { mem::take(&mut self.paused) }
    }

    /// Adds an effect of the running turn.
    pub(crate) fn stage(&mut self, effect: ToGateway) {
        let bytes = effect.bytes();
        self.staged_bytes += bytes;
        self.staged.push(effect);
        self.count(self.bytes + bytes);
    }

    /// Returns a receiver that is notified when everything staged so far has left, and closed when the effects
    /// are given up. A handler that is undone drops its receiver.
    pub(crate) fn until_left(&mut self) -> oneshot::Receiver<()> {
        let (waiter, left) = oneshot::channel();
        self.staged_waiters.push(waiter);
        left
    }

    /// Returns a mark to which a failed turn can be undone.
    pub(crate) fn mark(&self) -> usize {
        self.staged.len()
    }

    /// Removes and returns the effects that were added since a mark.
    pub(crate) fn undo_to(&mut self, mark: usize) -> Vec<ToGateway> {
        let undone = self.staged.split_off(mark.min(self.staged.len()));
        let bytes: usize = undone.iter().map(ToGateway::bytes).sum();
        self.staged_bytes -= bytes;
        self.count(self.bytes - bytes);
        undone
    }

    /// Takes out all effects that have not left; they will never leave. Their waiters are notified when they
    /// are dropped.
    pub(crate) fn given_up(&mut self) -> Released {
        let mut out = Released::default();
        for batch in mem::take(&mut self.waiting) {
            out.effects.extend(batch.effects);
            out.waiters.extend(batch.waiters);
        }
        out.effects.append(&mut self.staged);
        out.waiters.append(&mut self.staged_waiters);
        self.staged_bytes = 0;
        self.count(0);
        out
    }

    /// Closes the turns so far: their effects wait for the commit `stamp`.
    pub(crate) fn seal(&mut self, stamp: u64) {
        if !self.staged.is_empty() || !self.staged_waiters.is_empty() {
            let (bytes, effects) = (mem::take(&mut self.staged_bytes), mem::take(&mut self.staged));
            let waiters = mem::take(&mut self.staged_waiters);
            self.waiting.push_back(Batch { stamp, bytes, effects, waiters });
        }
    }

    /// Records that everything up to this commit is durable.
    pub(crate) fn opened(&mut self, durable: u64) {
        self.durable = self.durable.max(durable);
    }

    /// Takes out the effects that may leave.
    pub(crate) fn released(&mut self) -> Released {
        let (mut out, mut bytes) = (Released::default(), 0);
        while let Some(batch) = self.waiting.pop_front_if(|batch| batch.stamp <= self.durable) {
            bytes += batch.bytes;
            out.waiters.extend(batch.waiters);
            // In the usual case of one batch the list is moved and nothing is copied.
            if out.effects.is_empty() {
                out.effects = batch.effects;
            } else {
                out.effects.extend(batch.effects);
            }
        }
        self.count(self.bytes - bytes);
        out
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.staged.is_empty() && self.staged_waiters.is_empty() && self.waiting.is_empty()
    }

    fn count(&mut self, bytes: usize) {
        self.bytes = bytes;
        // Up to `FREE_BYTES` are not counted.
        if bytes > FREE_BYTES || !self.permit.is_empty() {
            self.permit.resize(&self.budget, if bytes > FREE_BYTES { bytes } else { 0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::task::noop_waker;

    use super::*;
    use crate::gateway::{ConnectionKey, FRAME_BYTES, Message, Targets};

    const KEY: ConnectionKey = ConnectionKey(1);

    fn gate() -> Gate {
        Gate::new(4 * FREE_BYTES, Budget::new(usize::MAX))
    }

    fn effect(n: u32) -> ToGateway {
        ToGateway::Credit { connection: KEY, messages: n, bytes: 0 }
    }

    /// Returns an effect that counts this many bytes.
    fn large(bytes: usize) -> ToGateway {
        let message = Message::from(vec![0; bytes - FRAME_BYTES]);
        ToGateway::Send { targets: Targets::One(KEY), message, latest: false }
    }

    #[test]
    fn effects_wait_for_their_commit_and_keep_their_order() {
        let mut gate = gate();
        gate.stage(effect(1));
        gate.seal(0);
        assert_eq!(gate.released().effects, [effect(1)], "no write, no wait");
        gate.stage(effect(2));
        gate.seal(1);
        gate.stage(effect(3));
        gate.seal(2);
        assert_eq!(gate.released().effects, []);
        gate.opened(1);
        assert_eq!(gate.released().effects, [effect(2)]);
        gate.opened(2);
        assert_eq!(gate.released().effects, [effect(3)]);
        assert!(gate.is_empty());
    }

    #[test]
    fn a_handler_that_waits_is_notified_with_the_effects_before_it() {
        let mut gate = gate();
        gate.stage(effect(1));
        let mut left = gate.until_left();
        gate.seal(1);
        let mut behind = gate.until_left();
        assert!(gate.released().is_empty() && !gate.is_empty());
        gate.opened(1);
        let released = gate.released();
        assert_eq!(released.effects, [effect(1)]);
        assert!(left.try_recv().is_err(), "the effects have not left yet");
        for waiter in released.waiters {
            waiter.send(()).unwrap();
        }
        assert!(left.try_recv().is_ok());
        drop(gate.given_up());
        assert_eq!(behind.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert!(gate.is_empty());
    }

    #[test]
    fn a_failed_turn_takes_its_effects_along() {
        let mut gate = gate();
        gate.stage(effect(1));
        let mark = gate.mark();
        gate.stage(effect(2));
        assert_eq!(gate.undo_to(mark), [effect(2)]);
        gate.seal(0);
        assert_eq!(gate.released().effects, [effect(1)]);
        assert_eq!(gate.bytes, 0);
    }

    #[test]
    fn what_is_sent_has_a_limit_and_counts_until_it_leaves() {
        let mut gate = gate();
        assert_eq!(gate.reached(100 * FREE_BYTES), None, "an empty gate accepts one effect");
        gate.stage(large(2 * FREE_BYTES));
        assert!(!gate.is_full());
        assert_eq!(gate.reached(2 * FREE_BYTES), None);
        assert_eq!(gate.reached(2 * FREE_BYTES + 1), Some(Limit::OutgoingBytesPerAgent));
        gate.seal(1);
        let mark = gate.mark();
        gate.stage(large(FREE_BYTES));
        let waker = noop_waker();
        gate.wait(&waker);
        gate.wait(&waker);
        assert!(gate.is_full() && gate.resumed().is_empty());
        gate.undo_to(mark);
        assert!(!gate.is_full(), "undone effects release their bytes");
        gate.stage(large(FREE_BYTES));
        gate.seal(2);
        gate.opened(1);
        assert_eq!((gate.released().effects.len(), gate.bytes), (1, FREE_BYTES));
        assert_eq!(gate.resumed().len(), 1, "registered once");
        assert!(gate.resumed().is_empty());
    }

    #[test]
    fn what_is_large_counts_in_the_budget_of_all() {
        let budget = Budget::new(3 * FREE_BYTES);
        let (mut one, mut other) = (Gate::new(100 * FREE_BYTES, budget.clone()), gate());
        other.budget = budget.clone();
        one.stage(large(FREE_BYTES));
        assert_eq!(budget.used(), 0, "small effects are not counted");
        one.stage(large(2 * FREE_BYTES));
        assert_eq!(budget.used(), 3 * FREE_BYTES);
        assert!(one.is_full() && !other.is_full());
        assert_eq!(one.reached(1), Some(Limit::OutgoingBytes));
        other.stage(large(FREE_BYTES));
        assert!(!other.is_full());
        assert_eq!(other.reached(FREE_BYTES), None);
        assert_eq!(other.reached(FREE_BYTES + 1), Some(Limit::OutgoingBytes));
        one.seal(0);
        assert_eq!(one.released().effects.len(), 2);
        assert_eq!(budget.used(), 0);
        assert!(!one.is_full());
        one.stage(large(2 * FREE_BYTES));
        one.seal(1);
        one.stage(large(4 * FREE_BYTES));
        assert_eq!((one.given_up().effects.len(), budget.used()), (2, 0));
        one.stage(large(4 * FREE_BYTES));
        drop(one);
        assert_eq!(budget.used(), 0, "an activation that ends releases all bytes");
    }
}
