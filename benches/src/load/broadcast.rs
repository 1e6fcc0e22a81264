//! One sender and many receivers.

use std::io::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use memchr::memmem;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::connections::open_many;
use super::request::request;
use super::target::{TIMEOUT, Target, Window};
use crate::report::Report;
use crate::socket::Socket;

/// The text of a broadcast.
pub(super) const TEXT: &str = "bench:0123456789abcdef0123456789abcdef";

/// The progress that the receivers report to the sender.
#[derive(Debug, Default)]
struct Progress {
    delivered: AtomicU64,
    /// The number of deliveries that the sender waits for.
    wanted: AtomicU64,
    reached: Notify,
}

impl Progress {
    fn add(&self, deliveries: u64) {
        let total = self.delivered.fetch_add(deliveries, Ordering::Relaxed) + deliveries;
        if total >= self.wanted.load(Ordering::Relaxed) {
            self.reached.notify_one();
        }
    }

    fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    async fn reach(&self, deliveries: u64) {
        self.wanted.store(deliveries, Ordering::Relaxed);
        while self.delivered() < deliveries {
            self.reached.notified().await;
        }
    }
}

/// Broadcasts for a while and reports the rate of deliveries.
///
/// At most `under_way` broadcasts are in flight at the same time. So the receivers never fall so far behind
/// that the server closes them.
///
/// # Errors
/// Errors of the network.
pub async fn broadcast(
    target: &Target,
    receivers: usize,
    under_way: u64,
    warm_up: Duration,
    length: Duration,
) -> Result<Report> {
    let mut sockets = open_many(target, receivers + 1).await?;
    let sender = sockets.pop().ok_or_else(|| Error::other("no connection"))?;
    let progress = Arc::new(Progress::default());
    let mut tasks = JoinSet::new();
    for socket in sockets {
        tasks.spawn(receive(socket, Arc::clone(&progress)));
    }
    let window = Window::new(warm_up, length);
    let count = async {
        sleep_until(window.begin).await;
        let before = progress.delivered();
        sleep_until(window.end).await;
        progress.delivered() - before
    };
    let each = receivers as u64 + 1;
    let send = send(sender, &progress, each, under_way, window);
    let (used, delivered, sent) = tokio::join!(target.measure(window), count, send);
    let sent = sent?;
    let mut report = Report::new("broadcast");
    report.number("deliveries_per_second", delivered as f64 / window.seconds(), "/s");
    report.number("receivers", each as f64, "");
    report.cpu("cpu_per_delivery", used, delivered);
    let all = timeout(TIMEOUT, progress.reach(sent * each)).await;
    // The receivers run a little longer, so that a surplus message is counted.
    sleep(Duration::from_millis(100)).await;
    if all.is_err() || progress.delivered() != sent * each {
        let found = progress.delivered();
        report.problem(format!("{sent} broadcasts to {each} make {} deliveries, not {found}", sent * each));
    }
    while let Some(done) = tasks.try_join_next() {
        if let Err(error) = done? {
            report.problem(format!("a receiver was lost: {error}"));
        }
    }
    Ok(report)
}

/// Receives until the task is dropped. An error means that the connection was lost.
async fn receive(mut socket: Socket, progress: Arc<Progress>) -> Result<()> {
    loop {
        socket.fill().await?;
        progress.add(received(&mut socket)?);
        socket.flush().await?;
    }
}

/// Returns the number of broadcasts among the buffered frames.
fn received(socket: &mut Socket) -> Result<u64> {
    let mut count = 0;
    while let Some(range) = socket.next_data()? {
        let payload = socket.payload(range);
        if payload.starts_with(b"bench:") {
            count += 1;
        } else if memmem::find(payload, br#""success":false"#).is_some() {
            return Err(Error::other(String::from_utf8_lossy(payload).into_owned()));
        }
    }
    Ok(count)
}

/// Sends until the window ends, and returns the number of broadcasts.
async fn send(
    mut socket: Socket,
    progress: &Arc<Progress>,
    each: u64,
    under_way: u64,
    window: Window,
) -> Result<u64> {
    let request = request(0, "broadcastToAll", &[TEXT]);
    let mut sent: u64 = 0;
    while Instant::now() < window.end {
        while sent < progress.delivered() / each + under_way {
            socket.push(&request);
            sent += 1;
        }
        socket.flush().await?;
        let next = (sent - under_way + 1) * each;
        tokio::select! {
            filled = socket.fill() => {
                filled?;
                progress.add(received(&mut socket)?);
            }
            () = progress.reach(next) => {}
            () = sleep_until(window.end) => {}
        }
    }
    // The sender is also a receiver: it reads until its own copies have arrived.
    tokio::spawn(receive(socket, Arc::clone(progress)));
    Ok(sent)
}
