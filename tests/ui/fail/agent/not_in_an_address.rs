use agents::prelude::*;

#[agent]
struct Café;

#[agent]
impl Café {}

#[agent(name = "kiosk")]
struct Büdchen;

#[agent]
impl Büdchen {}

fn main() {}
