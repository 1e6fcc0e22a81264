use agents::prelude::*;

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

struct Tick;
struct Ticks;

impl Stream for Ticks {
    type Item = Tick;

    fn poll_next(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Option<Tick>> {
        Poll::Ready(None)
    }
}

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn ticks(&self) -> impl Stream<Item = Tick> + use<> {
        Ticks
    }
}

fn main() {}
