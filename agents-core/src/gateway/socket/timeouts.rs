//! What has to happen after some time: an end for peers that stop in the middle, of what they send or of
//! what they take, and another look at those who send too fast.
//!
//! There is a timer only while something is under way.

use std::future::Future;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, sleep_until};

use crate::gateway::socket::task::{Task, Work};
use crate::limits::Limit;
use crate::sampled::sampled;
use crate::wire::close_code;

impl Task {
    /// Ready when the peer has taken nothing for too long.
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
                // Something moved meanwhile.
                timer.as_mut().reset(next);
                continue;
            }
            work.timer = None;
            if write == Some(next) {
                sampled!(DEBUG, "peers that take nothing", connection = ?self.socket.key, "a peer takes nothing of what waits for it");
                gateway.totals.limits.record(Limit::WriteTimeout);
                return Poll::Ready(());
            }
            if work.resume == Some(next) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            gateway.totals.limits.record(Limit::MessageTimeout);
            // Retryable: what looks like this is mostly a network that broke down.
            self.break_off(work, close_code::TRY_AGAIN_LATER, "message timed out");
        }
    }
}

fn due(since: Option<Instant>, timeout: std::time::Duration) -> Option<Instant> {
    since?.checked_add(timeout)
}
