//! The detection of dead and idle peers, without a timer for each socket.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::gateway::socket::Socket;
use crate::limits::Limits;
use crate::limits::{Limit, LimitCounters};

/// The time span whose due sockets are checked together.
const GRAIN: Duration = Duration::from_secs(1);
/// The longest time; a longer one counts as never.
const LONGEST: Time = u32::MAX as Time;

/// Pings silent peers and drops the ones that stay silent.
///
/// One task watches all sockets of a host. The task sleeps until the first socket is due, and has no timer
/// when there are no sockets.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    start: Instant,
    /// The time for which a peer may be silent before it is pinged.
    interval: u64,
    /// The time for which a peer may send no message.
    idle: u64,
    /// `true` if both checks are turned off, so that no socket is watched.
    off: bool,
    limits: Arc<LimitCounters>,
    timeout: u64,
    grain: u64,
    watched: Mutex<Watched>,
    changed: Arc<Notify>,
}

/// The milliseconds since the start of the heartbeat.
type Time = u64;

type Sockets = Vec<Weak<Socket>>;

#[derive(Debug, Default)]
struct Watched {
    /// The sockets by the time at which a ping is due if their peer stays silent.
    silent: BTreeMap<Time, Sockets>,
    /// The sockets by the time at which they were pinged.
    pinged: VecDeque<(Time, Sockets)>,
}

impl Watched {
    fn next(&self, timeout: u64) -> Option<Time> {
        let silent = self.silent.first_key_value().map(|(due, _)| *due);
        let pinged = self.pinged.front().map(|(at, _)| at + timeout);
        silent.into_iter().chain(pinged).min()
    }
}

impl Heartbeat {
    /// Starts the task; it ends when the heartbeat is dropped.
    pub(crate) fn start(limits: &Limits, counters: Arc<LimitCounters>) -> Arc<Self> {
        let Limits { heartbeat: interval, heartbeat_timeout: timeout, idle_timeout: idle, .. } = *limits;
        let grain = interval.map_or(GRAIN, |interval| GRAIN.min(interval / 16));
        let or_never = |time: Option<Duration>| time.map_or(LONGEST, |time| millis(time).min(LONGEST));
        let off = interval.is_none() && idle.is_none();
        let heartbeat = Arc::new(Self {
            start: Instant::now(),
            interval: or_never(interval),
            idle: or_never(idle),
            off,
            limits: counters,
            timeout: millis(timeout).clamp(1, LONGEST),
            grain: millis(grain).max(1),
            watched: Mutex::default(),
            changed: Arc::default(),
        });
        if !off {
            tokio::spawn(run(Arc::downgrade(&heartbeat), heartbeat.changed.clone()));
        }
        heartbeat
    }

    /// Returns the time that sockets record when bytes arrive from their peer.
    pub(crate) fn now(&self) -> Time {
        millis(self.start.elapsed())
    }

    /// Watches a socket from now on.
    pub(crate) fn watch(&self, socket: &Arc<Socket>) {
        if self.off {
            return;
        }
        let now = self.now();
        socket.record_byte(now);
        socket.record_message(now);
        let mut watched = self.watched.lock();
        let first = watched.next(self.timeout).is_none();
        self.queue(&mut watched, now + self.interval.min(self.idle), Arc::downgrade(socket));
        drop(watched);
        // All other watched sockets are due before this one, or not much later.
        if first {
            self.changed.notify_one();
        }
    }

    fn queue(&self, watched: &mut Watched, due: Time, socket: Weak<Socket>) {
        watched.silent.entry(due.next_multiple_of(self.grain)).or_default().push(socket);
    }

    /// Checks the sockets that are due.
    fn beat(&self) {
        let now = self.now();
        let (mut silent, mut pinged) = (Vec::new(), Vec::new());
        {
            let mut watched = self.watched.lock();
            while let Some(first) = watched.silent.first_entry()
                && *first.key() <= now
            {
                silent.extend(first.remove());
            }
            while watched.pinged.front().is_some_and(|(at, _)| at + self.timeout <= now) {
                pinged.extend(watched.pinged.pop_front());
            }
        }
        let (mut again, mut pinged_now) = (Vec::new(), Vec::new());
        for weak in silent {
            let Some(socket) = weak.upgrade() else { continue };
            let due = socket.last_byte_at() + self.interval;
            let idle = socket.last_message_at() + self.idle;
            if idle <= now {
                if socket.expire() {
                    self.limits.record(Limit::IdleTimeout);
                }
            } else if due > now {
                again.push((due.min(idle), weak));
            } else if socket.ping() {
                pinged_now.push(weak);
            }
        }
        for (at, sockets) in pinged {
            for weak in sockets {
                let Some(socket) = weak.upgrade() else { continue };
                let last_byte = socket.last_byte_at();
                let from = if last_byte < at {
                    // The task of the socket reads once more before it ends the socket. If it continues, so
                    // does this watch.
                    socket.give_up();
                    now
                } else {
                    last_byte
                };
                again.push(((from + self.interval).min(socket.last_message_at() + self.idle), weak));
            }
        }
        let mut watched = self.watched.lock();
        for (due, weak) in again {
            self.queue(&mut watched, due, weak);
        }
        if !pinged_now.is_empty() {
            watched.pinged.push_back((now, pinged_now));
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

async fn run(heartbeat: Weak<Heartbeat>, changed: Arc<Notify>) {
    loop {
        let next = match heartbeat.upgrade() {
            Some(heartbeat) => {
                heartbeat.beat();
                let next = heartbeat.watched.lock().next(heartbeat.timeout);
                next.map(|next| heartbeat.start + Duration::from_millis(next))
            }
            None => return,
        };
        match next {
            // After a timeout and after a notification the sockets are checked.
            Some(next) => drop(timeout_at(next, changed.notified()).await),
            None => changed.notified().await,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;
    use crate::gateway::test_support::{GatewayHarness, PING, PONG, TEXT, let_tasks_run, limits};
    use crate::gateway::{Close, Flags, GatewayPort, ToGateway, ToObject};

    const INTERVAL: Duration = Duration::from_secs(30);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn dropped(messages: &[ToObject]) -> bool {
        matches!(messages, [ToObject::Close { close, info: Some(_), .. }] if *close == Close::dropped())
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_stays_silent_is_pinged_and_dropped() {
        let harness = GatewayHarness::new(Some(INTERVAL));
        let (_, mut client) = harness.accepted().await;
        sleep(seconds(29)).await;
        assert!(client.frames().await.is_empty());
        sleep(seconds(2)).await;
        assert_eq!(client.frames().await, [(PING, "".into())]);
        sleep(seconds(18)).await;
        assert!(harness.object.take().is_empty(), "the timeout has not passed");
        sleep(seconds(3)).await;
        assert!(dropped(&harness.object.take()));
        assert!(client.is_over().await);
        let metrics = harness.gateway.metrics();
        assert_eq!((metrics.limits[Limit::HeartbeatTimeout], metrics.closed, metrics.all.sockets), (1, 1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_comes_is_a_sign_of_life() {
        let harness = GatewayHarness::new(Some(INTERVAL));
        let (_, mut polite) = harness.accepted().await;
        let (_, mut slow) = harness.accepted().await;
        // A message that arrives so slowly that it never becomes complete.
        slow.bytes(&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]).await;
        let mut pings = 0;
        for _ in 0..60 {
            sleep(seconds(10)).await;
            slow.bytes(&[0]).await;
            assert!(slow.frames().await.is_empty(), "a client that sends is not pinged");
            for (opcode, _) in polite.frames().await {
                assert_eq!(opcode, PING);
                pings += 1;
                polite.send(PONG, b"").await;
            }
        }
        assert!((15..=20).contains(&pings), "{pings} pings in ten minutes");
        assert!(harness.object.take().is_empty(), "the object receives none of this");
        assert_eq!(harness.gateway.metrics().limits[Limit::HeartbeatTimeout], 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_nothing_is_dropped_as_well() {
        let harness = GatewayHarness::new(Some(INTERVAL));
        let (key, mut client) = harness.connect_with(None, 64).await;
        harness.accept(key, &[], Flags::NONE);
        // This is what the outbox takes.
        harness.send(key, vec![0; 600_000], false);
        let_tasks_run().await;
        harness.send(key, vec![0; 1_000_000], false);
        sleep(seconds(29)).await;
        assert!(harness.object.take().is_empty());
        sleep(seconds(2)).await;
        assert!(dropped(&harness.object.take()));
        let metrics = harness.gateway.metrics();
        assert_eq!((metrics.limits[Limit::WriteTimeout], metrics.limits[Limit::OutboxBytes]), (1, 0));
        assert!(client.bytes_left().await < 600_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_waits_for_the_object_is_not_to_blame() {
        let harness = GatewayHarness::new(Some(INTERVAL));
        let (_, mut client) = harness.accepted().await;
        let (_, mut silent) = harness.accepted().await;
        harness.object.set_full(true);
        client.send(TEXT, b"hello").await;
        silent.send(TEXT, b"hello").await;
        for _ in 0..600 {
            sleep(seconds(1)).await;
            for _ in client.frames().await {
                client.send(PONG, b"").await;
            }
        }
        assert_eq!(
            harness.gateway.metrics().limits[Limit::HeartbeatTimeout],
            0,
            "no check runs while the mailbox of the object is full"
        );
        harness.object.set_full(false);
        let_tasks_run().await;
        let closed =
            harness.object.take().into_iter().filter(|it| matches!(it, ToObject::Close { .. })).count();
        assert_eq!(
            (closed, harness.gateway.metrics().limits[Limit::HeartbeatTimeout]),
            (1, 1),
            "only the client that answered no ping"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_sign_of_life_that_is_read_late_counts() {
        let harness = GatewayHarness::new(Some(INTERVAL));
        let (_, mut client) = harness.accepted().await;
        let socket = harness.hub.socket();
        socket.give_up();
        client.send(PONG, b"").await;
        let_tasks_run().await;
        socket.give_up();
        assert_eq!(harness.gateway.metrics().limits[Limit::HeartbeatTimeout], 0);
        let_tasks_run().await;
        assert_eq!(harness.gateway.metrics().limits[Limit::HeartbeatTimeout], 1);
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_no_timer_without_sockets() {
        let harness = GatewayHarness::new(Some(INTERVAL));
        let heartbeat = harness.gateway.heartbeat.clone();
        let next = || heartbeat.watched.lock().next(heartbeat.timeout);
        assert_eq!(next(), None);
        let (_, client) = harness.accepted().await;
        assert!(next().is_some());
        drop(client);
        sleep(seconds(32)).await;
        assert_eq!(next(), None);
        // The timer starts again.
        let (_, _client) = harness.accepted().await;
        sleep(seconds(52)).await;
        assert_eq!(harness.gateway.metrics().limits[Limit::HeartbeatTimeout], 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_task_ends_with_the_gateway() {
        let harness = GatewayHarness::new(Some(INTERVAL));
        let_tasks_run().await;
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        assert_eq!(tasks(), 1);
        drop(harness);
        let_tasks_run().await;
        assert_eq!(tasks(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_nothing_for_too_long_is_closed() {
        for heartbeat in [None, Some(INTERVAL)] {
            let idle_timeout = Some(seconds(100));
            let harness = GatewayHarness::with(Limits { heartbeat, idle_timeout, ..limits() });
            let (_, mut idle) = harness.accepted().await;
            let (key, mut busy) = harness.accepted().await;
            for second in 0..130 {
                sleep(seconds(1)).await;
                for client in [&mut idle, &mut busy] {
                    for (opcode, payload) in client.frames().await {
                        match opcode {
                            PING => client.send(PONG, b"").await,
                            _ => assert!(second >= 99, "{second} s: {opcode} {payload:?}"),
                        }
                    }
                }
                if second == 60 {
                    busy.send(TEXT, b"hello").await;
                    harness.hub.apply(&mut [ToGateway::Credit { connection: key, messages: 1, bytes: 5 }]);
                }
            }
            let closed: Vec<_> =
                harness.object.take().into_iter().filter(|it| matches!(it, ToObject::Close { .. })).collect();
            assert_eq!(closed.len(), 1, "{closed:?}");
            let metrics = harness.gateway.metrics();
            assert_eq!((metrics.limits[Limit::IdleTimeout], metrics.all.sockets), (1, 1));
            assert_eq!(metrics.limits[Limit::HeartbeatTimeout], 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_heartbeat_silence_is_fine() {
        let harness = GatewayHarness::new(None);
        let (_, mut client) = harness.accepted().await;
        sleep(seconds(100_000)).await;
        assert!(client.frames().await.is_empty());
        assert!(harness.object.take().is_empty());
    }
}
