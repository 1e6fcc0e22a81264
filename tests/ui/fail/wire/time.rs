use std::time::{Duration, Instant};

use agents::prelude::*;

#[wire]
struct Post {
    sent: std::time::SystemTime,
    length: Option<Duration>,
}

#[wire]
enum Event {
    Began(Instant),
    Ended { after: Duration },
}

fn main() {}
