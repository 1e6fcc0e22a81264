//! The output gate: nothing leaves before the writes it depends on are durable.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::Waker;

use crate::gateway::{Budget, FREE_BYTES, MemoryPermit, ToGateway};
use crate::limits::Limit;

/// The number of last wakers that are compared with a new one.
const LAST_WAKERS: usize = 16;

/// Effects of an object on their way out, in their order, bounded by their bytes.
///
/// Every effect is stamped with the number of the commit that it may depend on: the one under way
/// when there are uncommitted writes, else the last one. It leaves when that commit is durable.
#[derive(Debug)]
pub(crate) struct Gate {
    staged: Vec<ToGateway>,
    waiting: VecDeque<Batch>,
    durable: u64,
    /// The bytes in `staged`, and the bytes of all that is here.
    staged_bytes: usize,
    bytes: usize,
    limit: usize,
    budget: Arc<Budget>,
    /// The part of the budget for all that is here.
    held: MemoryPermit,
    /// Handlers and an activation that wait for room.
    paused: Vec<Waker>,
}

/// Effects that wait for the same commit.
#[derive(Debug)]
struct Batch {
    stamp: u64,
    bytes: usize,
    effects: Vec<ToGateway>,
}

impl Gate {
    /// A gate for so many bytes, which count in a budget that objects share.
    pub(crate) fn new(limit: usize, budget: Arc<Budget>) -> Self {
        Self {
            staged: Vec::new(),
            waiting: VecDeque::new(),
            durable: 0,
            staged_bytes: 0,
            bytes: 0,
            limit: limit.max(FREE_BYTES),
            budget,
            held: MemoryPermit::default(),
            paused: Vec::new(),
        }
    }

    /// Returns which limit is against so many more bytes. One effect always fits.
    pub(crate) fn reached(&self, more: usize) -> Option<Limit> {
        let bytes = self.bytes.saturating_add(more);
        if self.bytes == 0 {
            return None;
        }
        if bytes > self.limit {
            return Some(Limit::OutgoingBytesPerAgent);
        }
        // As much as was free before a turn began, and as much again for what it sends.
        (bytes > 2 * FREE_BYTES && self.budget.is_used_up()).then_some(Limit::OutgoingBytes)
    }

    /// Returns whether so much waits that no turn begins. A turn that begins has half of the limit before it,
    /// so that what others left is no reason to refuse what it sends.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes > self.limit / 2 || (self.bytes > FREE_BYTES && self.budget.is_used_up())
    }

    /// Returns the number of bytes that are on their way out.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Wakes a task once the gate is no longer full.
    pub(crate) fn wait(&mut self, waker: &Waker) {
        if !self.paused.iter().rev().take(LAST_WAKERS).any(|other| other.will_wake(waker)) {
            self.paused.push(waker.clone());
        }
    }

    /// Returns the tasks that waited, when there is room again.
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

    /// A mark to which a turn that fails can be undone.
    pub(crate) fn mark(&self) -> usize {
        self.staged.len()
    }

    /// Takes back what was added since a mark.
    pub(crate) fn undo_to(&mut self, mark: usize) -> Vec<ToGateway> {
        let undone = self.staged.split_off(mark.min(self.staged.len()));
        let bytes: usize = undone.iter().map(ToGateway::bytes).sum();
        self.staged_bytes -= bytes;
        self.count(self.bytes - bytes);
        undone
    }

    /// Takes out everything that has not left, and never will.
    pub(crate) fn given_up(&mut self) -> Vec<ToGateway> {
        let waiting = mem::take(&mut self.waiting).into_iter().flat_map(|batch| batch.effects);
        let effects = waiting.chain(mem::take(&mut self.staged)).collect();
        self.staged_bytes = 0;
        self.count(0);
        effects
    }

    /// Closes the turns so far: what depends on `stamp` waits for it.
    pub(crate) fn seal(&mut self, stamp: u64) {
        if !self.staged.is_empty() {
            let (bytes, effects) = (mem::take(&mut self.staged_bytes), mem::take(&mut self.staged));
            self.waiting.push_back(Batch { stamp, bytes, effects });
        }
    }

    /// Everything up to this commit is durable.
    pub(crate) fn opened(&mut self, durable: u64) {
        self.durable = self.durable.max(durable);
    }

    /// Takes out what may leave.
    pub(crate) fn released(&mut self) -> Vec<ToGateway> {
        let (mut out, mut bytes) = (Vec::new(), 0);
        while let Some(batch) = self.waiting.pop_front_if(|batch| batch.stamp <= self.durable) {
            bytes += batch.bytes;
            // The usual case, one batch, moves the list and copies nothing.
            if out.is_empty() {
                out = batch.effects;
            } else {
                out.extend(batch.effects);
            }
        }
        self.count(self.bytes - bytes);
        out
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.staged.is_empty() && self.waiting.is_empty()
    }

    fn count(&mut self, bytes: usize) {
        self.bytes = bytes;
        // What is small is free.
        if bytes > FREE_BYTES || !self.held.is_empty() {
            self.held.resize(&self.budget, if bytes > FREE_BYTES { bytes } else { 0 });
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

    /// An effect that counts so many bytes.
    fn large(bytes: usize) -> ToGateway {
        let message = Message::from(vec![0; bytes - FRAME_BYTES]);
        ToGateway::Send { targets: Targets::One(KEY), message, latest: false }
    }

    #[test]
    fn effects_wait_for_their_commit_and_keep_their_order() {
        let mut gate = gate();
        gate.stage(effect(1));
        gate.seal(0);
        assert_eq!(gate.released(), [effect(1)], "no write, no wait");
        gate.stage(effect(2));
        gate.seal(1);
        gate.stage(effect(3));
        gate.seal(2);
        assert_eq!(gate.released(), []);
        gate.opened(1);
        assert_eq!(gate.released(), [effect(2)]);
        gate.opened(2);
        assert_eq!(gate.released(), [effect(3)]);
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
        assert_eq!(gate.released(), [effect(1)]);
        assert_eq!(gate.bytes, 0);
    }

    #[test]
    fn what_is_sent_has_a_limit_and_counts_until_it_leaves() {
        let mut gate = gate();
        assert_eq!(gate.reached(100 * FREE_BYTES), None, "one always fits");
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
        assert!(!gate.is_full(), "what is undone is given back");
        gate.stage(large(FREE_BYTES));
        gate.seal(2);
        gate.opened(1);
        assert_eq!((gate.released().len(), gate.bytes), (1, FREE_BYTES));
        assert_eq!(gate.resumed().len(), 1, "noted once");
        assert!(gate.resumed().is_empty());
    }

    #[test]
    fn what_is_large_counts_in_the_budget_of_all() {
        let budget = Budget::new(3 * FREE_BYTES);
        let (mut one, mut other) = (Gate::new(100 * FREE_BYTES, budget.clone()), gate());
        other.budget = budget.clone();
        one.stage(large(FREE_BYTES));
        assert_eq!(budget.used(), 0, "what is small is free");
        one.stage(large(2 * FREE_BYTES));
        assert_eq!(budget.used(), 3 * FREE_BYTES);
        assert!(one.is_full() && !other.is_full());
        assert_eq!(one.reached(1), Some(Limit::OutgoingBytes));
        other.stage(large(FREE_BYTES));
        assert!(!other.is_full());
        assert_eq!(other.reached(FREE_BYTES), None);
        assert_eq!(other.reached(FREE_BYTES + 1), Some(Limit::OutgoingBytes));
        one.seal(0);
        assert_eq!(one.released().len(), 2);
        assert_eq!(budget.used(), 0);
        assert!(!one.is_full());
        one.stage(large(2 * FREE_BYTES));
        one.seal(1);
        one.stage(large(4 * FREE_BYTES));
        assert_eq!((one.given_up().len(), budget.used()), (2, 0));
        one.stage(large(4 * FREE_BYTES));
        drop(one);
        assert_eq!(budget.used(), 0, "a life that ends gives all back");
    }
}
