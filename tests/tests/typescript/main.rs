//! The TypeScript of agents: its content, its stability, and the types that it refuses.

mod command;
mod everything;
mod mistakes;
mod samples;
mod snapshot;
mod states;
