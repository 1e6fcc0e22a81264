//! The output gate: nothing leaves before the writes it depends on are durable.

use std::collections::VecDeque;

use crate::gateway::ToGateway;

/// Effects of an object on their way out, in their order.
///
/// Every effect is stamped with the number of the commit that it may depend on: the one under way
/// when there are uncommitted writes, else the last one. It leaves when that commit is durable.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    staged: Vec<ToGateway>,
    waiting: VecDeque<(u64, Vec<ToGateway>)>,
    durable: u64,
}

impl Gate {
    /// Adds an effect of the running turn.
    pub(crate) fn stage(&mut self, effect: ToGateway) {
        self.staged.push(effect);
    }

    /// A mark to which a turn that fails can be undone.
    pub(crate) fn mark(&self) -> usize {
        self.staged.len()
    }

    /// Takes back what was added since a mark.
    pub(crate) fn undo_to(&mut self, mark: usize) -> Vec<ToGateway> {
        self.staged.split_off(mark.min(self.staged.len()))
    }

    /// Everything that has not left, and never will.
    pub(crate) fn into_effects(self) -> impl Iterator<Item = ToGateway> {
        self.waiting.into_iter().flat_map(|(_, effects)| effects).chain(self.staged)
    }

    /// Closes the turns so far: what depends on `stamp` waits for it.
    pub(crate) fn seal(&mut self, stamp: u64) {
        if !self.staged.is_empty() {
            self.waiting.push_back((stamp, std::mem::take(&mut self.staged)));
        }
    }

    /// Everything up to this commit is durable.
    pub(crate) fn opened(&mut self, durable: u64) {
        self.durable = self.durable.max(durable);
    }

    /// Takes out what may leave.
    pub(crate) fn released(&mut self) -> Vec<ToGateway> {
        let mut out = Vec::new();
        while self.waiting.front().is_some_and(|(stamp, _)| *stamp <= self.durable) {
            match self.waiting.pop_front() {
                // The usual case, one batch, moves the list and copies nothing.
                Some((_, effects)) if out.is_empty() => out = effects,
                Some((_, effects)) => out.extend(effects),
                None => break,
            }
        }
        out
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.staged.is_empty() && self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::ConnectionKey;

    fn effect(n: u32) -> ToGateway {
        ToGateway::Credit { connection: ConnectionKey(1), messages: n, bytes: 0 }
    }

    #[test]
    fn effects_wait_for_their_commit_and_keep_their_order() {
        let mut gate = Gate::default();
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
        let mut gate = Gate::default();
        gate.stage(effect(1));
        let mark = gate.mark();
        gate.stage(effect(2));
        assert_eq!(gate.undo_to(mark), [effect(2)]);
        gate.seal(0);
        assert_eq!(gate.released(), [effect(1)]);
    }
}
