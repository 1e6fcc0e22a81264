//! Limits of a host: each is reached once, the client sees what is documented, a counter moves, and
//! everybody else goes on.

mod admission;
mod awake;
mod bytes;
mod fairness;
mod log;
mod outgoing;
mod support;
