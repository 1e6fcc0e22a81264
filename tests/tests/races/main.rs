//! What happens at the same moment: waking and falling asleep, connecting and stopping, failing.

mod check;
mod clients;
mod ledger;
mod memory;
mod named;
mod power;
mod pressure;
mod simulation;
mod stage;

use agents_tests::random;
