//! A load generator for any server that speaks the protocol, and its measurements.
//!
//! The generator must cost less than the server under load. So it writes its frames ahead of time and parses
//! answers no further than necessary.

#![forbid(unsafe_code)]

pub mod frame;
pub mod hostile;
pub mod load;
pub mod process;
pub mod report;
pub mod socket;
