//! The deadlines of a socket: the end of peers that stop in the middle of a message or do not read, and the
//! next message of peers that send too fast.
//!
//! A timer exists only while work is unfinished.

use std::future::Future;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, sleep_until};

use crate::gateway::Close;
use crate::gateway::socket::task::{Task, Work};
use crate::limits::Limit;
use crate::wire::close_code;

impl Task {
    /// Returns `Ready` when the peer has received nothing for too long.
    pub(super) fn poll_overdue(&mut self, work: &mut Work, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let gateway = &self.hub.gateway;
            let write = due(work.writing_since, gateway.limits.write_timeout);
            let read = due(work.reading_since, gateway.limits.message_timeout);
            let Some(next) = [write, read, work.resume].into_iter().flatten().min() else {
                return Poll::Pending;
            };
            let timer = work.timer.get_or_insert_with(|| Box::pin(sleep_until(next)));
            if timer.deadline() > next {
                timer.as_mut().reset(next);
            }
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() < next {
                // A deadline has moved meanwhile.
                timer.as_mut().reset(next);
                continue;
            }
            work.timer = None;
            if write == Some(next) {
                gateway.totals.limits.record(Limit::WriteTimeout);
                self.end(work, Close::dropped(), "takes nothing");
                return Poll::Ready(());
            }
            if work.resume == Some(next) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            gateway.totals.limits.record(Limit::MessageTimeout);
            // The code allows a reconnect, because the usual cause is a broken network.
            self.break_off(work, close_code::TRY_AGAIN_LATER, "message timed out");
        }
    }
}

fn due(since: Option<Instant>, timeout: std::time::Duration) -> Option<Instant> {
    since?.checked_add(timeout)
}
