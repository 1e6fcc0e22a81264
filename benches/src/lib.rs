//! A load generator for any server that speaks the protocol, and what it measures with.
//!
//! The generator must cost less than the server it drives, so it writes its frames ahead of time
//! and looks at answers no closer than it has to.

#![forbid(unsafe_code)]

pub mod frame;
pub mod hostile;
pub mod load;
pub mod process;
pub mod report;
pub mod socket;
