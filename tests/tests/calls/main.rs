//! Calls between agents, and calls from the program that hosts them.

mod answers;
mod arguments;
mod cycles;
mod forward;
mod streams;
mod support;
mod trouble;
