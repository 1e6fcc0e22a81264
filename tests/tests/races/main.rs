//! Events at the same moment: waking and hibernating, connecting and stopping, and failures.

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
