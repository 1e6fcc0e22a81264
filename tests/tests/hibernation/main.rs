//! Sleep: what survives it, what is lost, when it comes, what ends it, what prevents it, what it costs.
//!
//! All on the virtual clock of a test host, so that hours pass at once.

mod alarm_failures;
mod alarm_index;
mod alarm_next;
mod alarms;
mod chaos;
mod destructors;
mod failed;
mod gone;
mod goodbye;
mod hung;
mod idle;
mod lost;
mod meter;
mod pins;
mod raw;
mod raw_life;
mod readonly;
mod refusals;
mod replaced;
mod rest;
mod sections;
mod support;
mod survive;
mod tasks;
mod wake;
