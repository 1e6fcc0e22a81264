//! A client of the boards in the terminal.
fn main() {}
