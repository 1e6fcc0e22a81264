//! What happens at the same moment: waking and falling asleep, connecting and stopping, failing.

mod check;
mod clients;
mod ledger;
mod memory;
mod named;
mod power;
mod pressure;
mod random;
mod simulation;
mod stage;
