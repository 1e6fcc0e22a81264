//! What happens at the same moment: waking and falling asleep, connecting and stopping, failing.

mod check;
mod clients;
mod ledger;
mod named;
mod power;
mod random;
mod simulation;
mod stage;
