//! The clients' side of the lab, in a separate process: one socket for each agent.
//!
//! Orders are read from stdin, one a line: `open SOCKETS`, `wake one`, `wake all` and `close` select the
//! work, and `go COUNT` lets that many sockets do it. Reports are written to stdout: the number of sockets
//! that failed and the number of answers. The process ends when its stdin ends, so it does not outlive the
//! server.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use std::{process, thread};

use agents::Result;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::MissedTickBehavior;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::protocol::{WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message};

/// The first argument of this process.
pub(crate) const COMMAND: &str = "sleepers";

const TICK: Duration = Duration::from_millis(50);
/// The maximum number of handshakes that run at the same time.
const MOST_CONNECTING: u64 = 256;
/// A call in the wire protocol.
const NUDGE: &str = r#"{"type":"rpc","id":"1","method":"nudge","args":[]}"#;

/// A piece of work that waits for its turn.
enum Job {
    Open(u32),
    Tell(usize, Order),
}

#[derive(Clone, Copy)]
enum Order {
    Nudge,
    Close,
}

#[derive(Default)]
struct Counts {
    connecting: AtomicU64,
    open: AtomicU64,
    failed: AtomicU64,
    answers: AtomicU64,
}

pub(crate) async fn run(server: SocketAddr) -> Result<()> {
    let (send, mut lines) = mpsc::unbounded_channel();
    thread::spawn(move || read(&send));
    let counts = Arc::new(Counts::default());
    let mut sleepers: Vec<UnboundedSender<Order>> = Vec::new();
    let mut jobs: VecDeque<Job> = VecDeque::new();
    let mut allowed = 0;
    let mut closing = false;
    let mut due = 0;
    let mut reported = (0, 0);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(line) = lines.recv() => match line.split(' ').collect::<Vec<_>>()[..] {
                ["open", sockets] => jobs.extend((0..sockets.parse()?).map(Job::Open)),
                ["go", count] => allowed += count.parse::<u64>()?,
                ["wake", "one"] if !sleepers.is_empty() => {
                    // The next socket in turn, before all others.
                    due = (due + 1) % sleepers.len();
                    jobs.push_front(Job::Tell(due, Order::Nudge));
                }
                ["wake", "all"] => jobs.extend((0..sleepers.len()).map(|who| Job::Tell(who, Order::Nudge))),
                ["close"] => {
                    closing = true;
                    allowed = 0;
                    jobs = (0..sleepers.len()).map(|who| Job::Tell(who, Order::Close)).collect();
                }
                _ => {}
            },
            _ = ticks.tick() => {
                while allowed > 0 && counts.connecting.load(Relaxed) < MOST_CONNECTING {
                    let Some(job) = jobs.pop_front() else {
                        allowed = 0;
                        break;
                    };
                    allowed -= 1;
                    match job {
                        Job::Open(number) => {
                            counts.connecting.fetch_add(1, Relaxed);
                            let (send, orders) = mpsc::unbounded_channel();
                            sleepers.push(send);
                            tokio::spawn(sleep(server, number, orders, counts.clone()));
                        }
                        // A socket that has closed receives nothing.
                        Job::Tell(who, order) => drop(sleepers[who].send(order)),
                    }
                }
                let now = (counts.failed.load(Relaxed), counts.answers.load(Relaxed));
                if now != reported {
                    reported = now;
                    writeln!(io::stdout(), "{} {}", now.0, now.1)?;
                }
                let left = counts.open.load(Relaxed) + counts.connecting.load(Relaxed);
                if closing && jobs.is_empty() && left == 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// Forwards the lines of stdin. The server is gone when they end.
fn read(lines: &UnboundedSender<String>) {
    for line in io::stdin().lines().map_while(io::Result::ok) {
        if lines.send(line).is_err() {
            return;
        }
    }
    process::exit(0);
}

/// Runs one client, from its connect to its end.
async fn sleep(server: SocketAddr, number: u32, orders: UnboundedReceiver<Order>, counts: Arc<Counts>) {
    let socket = connect(server, number).await;
    counts.open.fetch_add(1, Relaxed);
    counts.connecting.fetch_sub(1, Relaxed);
    let ended = match socket {
        Ok(socket) => serve(socket, orders, &counts).await,
        Err(error) => Err(error),
    };
    counts.open.fetch_sub(1, Relaxed);
    if let Err(error) = ended
        && counts.failed.fetch_add(1, Relaxed) == 0
    {
        // Only the first error is printed: the others mostly have the same cause.
        let _ = writeln!(io::stderr(), "a sleeper failed: {error}");
    }
}

type Socket = tokio_tungstenite::WebSocketStream<TcpStream>;

async fn connect(server: SocketAddr, number: u32) -> Result<Socket, Error> {
    let stream = TcpStream::connect(server).await?;
    // The default buffers are meant for few sockets with much traffic.
    let config = WebSocketConfig::default().read_buffer_size(1024).write_buffer_size(0);
    let url = format!("ws://{server}/agents/sleeper/{number}");
    Ok(client_async_with_config(url, stream, Some(config)).await?.0)
}

async fn serve(
    mut socket: Socket,
    mut orders: UnboundedReceiver<Order>,
    counts: &Counts,
) -> Result<(), Error> {
    let mut closing = false;
    loop {
        tokio::select! {
            Some(order) = orders.recv() => match order {
                Order::Nudge => socket.send(Message::text(NUDGE)).await?,
                Order::Close => {
                    closing = true;
                    socket.close(None).await?;
                }
            },
            // This call also answers pings.
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) if text.contains(r#""type":"rpc""#) => {
                    counts.answers.fetch_add(1, Relaxed);
                }
                // A close by a server that shuts down is not a failure.
                Some(Ok(Message::Close(Some(close)))) if !closing && close.code != CloseCode::Away => {
                    return Err(Error::Io(io::Error::other(format!("closed with {close}"))));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) if !closing => return Err(error),
                _ => return Ok(()),
            },
        }
    }
}
