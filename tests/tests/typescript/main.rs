//! The TypeScript of agents: what it says, that it is the same every time, and what it refuses.

mod command;
mod everything;
mod mistakes;
mod samples;
mod snapshot;
