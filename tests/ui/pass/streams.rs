//! Callables that return a stream.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use agents::__rt::Agent;
use agents::prelude::*;

/// A stream that counts down.
struct Down<'a>(u32, Option<&'a str>);

impl Stream for Down<'_> {
    type Item = Result<u32>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Option<Result<u32>>> {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or_default();
        Poll::Ready(left.map(Ok))
    }
}

#[agent]
struct Room {
    name: String,
}

#[agent]
impl Room {
    #[callable]
    fn owned(&self, from: u32) -> impl Stream<Item = Result<u32>> + use<> {
        Down(from, None)
    }

    #[callable]
    fn borrowing(&self, cx: &Context<Self>, from: u32) -> impl Stream<Item = Result<u32>> {
        let _ = cx;
        Down(from, Some(&self.name))
    }

    #[callable]
    async fn later(&self, from: u32) -> Result<impl agents::prelude::Stream<Item = Result<u32>> + Send> {
        Ok(Down(from, Some(&self.name)))
    }
}

pub(crate) fn main() {
    assert!(Room::table().callables.iter().all(|callable| callable.streaming));
    assert_eq!(Down(1, Some("")).1, Some(""));
}
