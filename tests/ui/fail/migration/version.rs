use agents::prelude::*;

#[agent(version = 0)]
struct Zero;

#[agent(version = "2")]
struct Text;

#[agent(version)]
struct Nothing;

#[agent(version = -1)]
struct Negative;

#[agent]
impl Zero {}

fn main() {}
