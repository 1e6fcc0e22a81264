//! Limits of a host. Each limit is reached once, the client sees the documented error, a counter increases,
//! and all other clients are not affected.

mod admission;
mod awake;
mod bytes;
mod fairness;
mod log;
mod outgoing;
mod support;
