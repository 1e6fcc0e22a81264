//! Attacks that make an agent send, allocate or wait.

use std::io::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::attacks::{Attack, call, call_as, ms};
use super::line::{Road, TIMEOUT, closed};
use crate::frame::{TEXT, encode};

/// The longest message that a server accepts.
const MESSAGE: usize = 28 * 1024 * 1024;
/// The time for which a client accepts the chunks of a stream.
const LISTENS: Duration = Duration::from_secs(20);

/// All attacks of this module.
pub(super) const ATTACKS: [Attack; 9] = [
    Attack {
        name: "streams that never wait, read",
        clients: 2,
        round: |road, _| Box::pin(endless(road, true)),
        pause: ms(200),
    },
    Attack {
        name: "streams that never wait, not read",
        clients: 2,
        round: |road, _| Box::pin(endless(road, false)),
        pause: ms(200),
    },
    Attack {
        name: "a handler that sends in a loop",
        clients: 2,
        round: |road, _| Box::pin(once(road, "chatter", "sendInLoop")),
        pause: ms(500),
    },
    Attack {
        name: "a handler that broadcasts in a loop",
        clients: 2,
        round: |road, _| Box::pin(once(road, "shouter", "broadcastInLoop")),
        pause: ms(500),
    },
    Attack {
        name: "ids of 1 MB for streams",
        clients: 2,
        round: |road, _| Box::pin(long_ids(road)),
        pause: ms(200),
    },
    Attack {
        name: "reads while the disk hangs",
        clients: 2,
        round: |road, _| Box::pin(hanging_disk(road)),
        pause: ms(200),
    },
    Attack {
        name: "frames of 7 bytes to an agent that waits",
        clients: 2,
        round: |road, _| Box::pin(tiny_frames(road)),
        pause: ms(200),
    },
    Attack {
        name: "unused arguments, 28 MB of [0,0,..]",
        clients: 2,
        round: |road, _| Box::pin(wide(road, "nothing", "0")),
        pause: ms(1000),
    },
    Attack {
        name: "large values, 28 MB of [[],[],..]",
        clients: 2,
        round: |road, n| Box::pin(values(road, n)),
        pause: ms(1000),
    },
];

/// Starts an endless stream and reads it, or does not read it.
async fn endless(road: Road, reads: bool) -> Result<()> {
    let mut stream = road.upgrade("/agents/bench/endless").await?;
    stream.write_all(&call("numbers", "[]")).await?;
    if reads {
        let listening = closed(&mut stream);
        return timeout(LISTENS, listening).await.unwrap_or(Ok(()));
    }
    sleep(LISTENS).await;
    Ok(())
}

/// Calls a method that sends until a limit stops it, and reads for a while.
async fn once(road: Road, agent: &str, method: &str) -> Result<()> {
    let mut stream = road.upgrade(&format!("/agents/bench/{agent}")).await?;
    stream.write_all(&call(method, "[]")).await?;
    timeout(LISTENS / 10, closed(&mut stream)).await.unwrap_or(Ok(()))
}

/// Starts streams whose chunks each carry the long id.
async fn long_ids(road: Road) -> Result<()> {
    let mut stream = road.upgrade("/agents/bench/long-ids").await?;
    let one = call_as(&"i".repeat(1_000_000), "numbers", "[]");
    for _ in 0..20 {
        timeout(TIMEOUT, stream.write_all(&one)).await??;
    }
    sleep(LISTENS).await;
    Ok(())
}

/// Writes once, so that the flush hangs, and then calls a reading method without end.
async fn hanging_disk(road: Road) -> Result<()> {
    // The script makes the disk hang for this agent.
    let stream = road.upgrade("/agents/bench/hanging").await?;
    let (read, mut write) = stream.into_split();
    write.write_all(&call("increment", "[]")).await?;
    both(read, write, call("echo", &format!(r#"["{}"]"#, "x".repeat(16 * 1024)))).await
}

/// Sends messages of one byte, which are frames of seven bytes.
async fn tiny_frames(road: Road) -> Result<()> {
    let stream = road.upgrade("/agents/bench/waits").await?;
    let (read, write) = stream.into_split();
    let mut tiny = Vec::new();
    encode(&mut tiny, TEXT, b"x");
    both(read, write, tiny.repeat(4000)).await
}

/// Calls a method with a very long list of arguments.
async fn wide(road: Road, method: &str, item: &str) -> Result<()> {
    let mut stream = road.upgrade("/agents/bench/wide").await?;
    timeout(TIMEOUT, stream.write_all(&call(method, &list(item)))).await??;
    closed(&mut stream).await
}

/// Calls a method with one value that is much larger in memory than on the wire.
async fn values(road: Road, n: Arc<AtomicU64>) -> Result<()> {
    let agent = n.fetch_add(1, Ordering::Relaxed) % 4;
    let mut stream = road.upgrade(&format!("/agents/bench/values-{agent}")).await?;
    timeout(TIMEOUT, stream.write_all(&call("measure", &format!("[{}]", list("[]"))))).await??;
    closed(&mut stream).await
}

fn list(item: &str) -> String {
    let mut text = String::with_capacity(MESSAGE + 16);
    text.push('[');
    while text.len() < MESSAGE {
        text.push_str(item);
        text.push(',');
    }
    text.push_str(item);
    text.push(']');
    text
}

/// Writes the same bytes without end, and reads all answers.
async fn both(
    mut read: impl AsyncRead + Unpin,
    mut write: impl AsyncWrite + Unpin,
    bytes: Vec<u8>,
) -> Result<()> {
    let sink = async { tokio::io::copy(&mut read, &mut tokio::io::sink()).await };
    let source = async {
        loop {
            timeout(TIMEOUT, write.write_all(&bytes)).await??;
        }
        #[expect(unreachable_code, reason = "gives the block its type")]
        Ok::<_, Error>(())
    };
    tokio::select! {
        read = sink => read.map(drop),
        wrote = source => wrote,
    }
}
