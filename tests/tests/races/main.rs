//! Events at the same moment: waking and hibernating, connecting and stopping, and failures.

mod alarms;
mod check;
mod clients;
mod ledger;
mod memory;
mod named;
mod power;
mod pressure;
mod simulation;
mod stage;
mod stopping;
mod witness;

use agents_tests::random;
