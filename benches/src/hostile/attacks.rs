//! The attacks of hostile clients, one function for each kind.

use std::io::{Error, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};

use super::line::{Road, TIMEOUT, closed};
use crate::frame::{BINARY, TEXT, encode};

type Round = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// A kind of attack.
pub(super) struct Attack {
    pub(super) name: &'static str,
    /// The number of clients that attack at the same time.
    pub(super) clients: usize,
    /// One round: a connection from its start to its end.
    pub(super) round: fn(Road, Arc<AtomicU64>) -> Round,
    /// The pause between two rounds of a client.
    pub(super) pause: Duration,
}

pub(super) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The attacks that send much data, send slowly, or send invalid data.
pub(super) const ATTACKS: [Attack; 11] = [
    Attack {
        name: "calls without end, answers read",
        clients: 2,
        round: |road, n| Box::pin(flood(road, n)),
        pause: ms(200),
    },
    Attack {
        name: "calls without end, answers not read",
        clients: 2,
        round: |road, n| Box::pin(deaf(road, n)),
        pause: ms(200),
    },
    Attack {
        name: "large answers, not read",
        clients: 4,
        round: |road, n| Box::pin(large(road, n)),
        pause: ms(500),
    },
    Attack {
        name: "large messages, never finished",
        clients: 16,
        round: |road, n| Box::pin(unfinished(road, n)),
        pause: ms(500),
    },
    Attack {
        name: "a frame, byte by byte",
        clients: 50,
        round: |road, n| Box::pin(trickle(road, n)),
        pause: ms(500),
    },
    Attack {
        name: "headers, byte by byte",
        clients: 50,
        round: |road, n| Box::pin(slow_header(road, n)),
        pause: ms(500),
    },
    Attack {
        name: "endless headers",
        clients: 2,
        round: |road, n| Box::pin(endless_header(road, n)),
        pause: ms(200),
    },
    Attack {
        name: "bodies, byte by byte",
        clients: 20,
        round: |road, n| Box::pin(slow_body(road, n)),
        pause: ms(500),
    },
    Attack {
        name: "connect and leave",
        clients: 4,
        round: |road, n| Box::pin(churn(road, n)),
        pause: ms(20),
    },
    Attack {
        name: "bytes that are not frames",
        clients: 4,
        round: |road, n| Box::pin(garbage(road, n)),
        pause: ms(20),
    },
    Attack {
        name: "always new agents, with states to keep",
        clients: 2,
        round: |road, n| Box::pin(names(road, n)),
        pause: ms(100),
    },
];

pub(super) fn call(method: &str, arguments: &str) -> Vec<u8> {
    call_as("x", method, arguments)
}

pub(super) fn call_as(id: &str, method: &str, arguments: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let text = format!(r#"{{"type":"rpc","id":"{id}","method":"{method}","args":{arguments}}}"#);
    encode(&mut out, TEXT, text.as_bytes());
    out
}

/// Sends calls as fast as the server takes them.
async fn flood(road: Road, _: Arc<AtomicU64>) -> Result<()> {
    let stream = road.upgrade("/agents/bench/flooded").await?;
    let (mut read, mut write) = stream.into_split();
    let many = call("echo", r#"["0123456789abcdef"]"#).repeat(200);
    let sink = async { tokio::io::copy(&mut read, &mut tokio::io::sink()).await };
    let source = async {
        loop {
            timeout(TIMEOUT, write.write_all(&many)).await??;
        }
        #[expect(unreachable_code, reason = "gives the block its type")]
        Ok::<_, Error>(())
    };
    tokio::select! {
        read = sink => read.map(drop),
        wrote = source => wrote,
    }
}

/// Sends calls in the same way, but never reads an answer.
async fn deaf(road: Road, _: Arc<AtomicU64>) -> Result<()> {
    let mut stream = road.upgrade("/agents/bench/unheard").await?;
    let many = call("echo", r#"["0123456789abcdef"]"#).repeat(200);
    loop {
        timeout(TIMEOUT, stream.write_all(&many)).await??;
    }
}

/// Requests answers of 256 KiB and never reads them.
async fn large(road: Road, _: Arc<AtomicU64>) -> Result<()> {
    let mut stream = road.upgrade("/agents/bench/large").await?;
    let one = call("echo", &format!(r#"["{}"]"#, "x".repeat(256 * 1024)));
    loop {
        timeout(TIMEOUT, stream.write_all(&one)).await??;
    }
}

/// Sends all but the end of a message of 30 MiB and waits.
async fn unfinished(road: Road, n: Arc<AtomicU64>) -> Result<()> {
    let agent = n.fetch_add(1, Ordering::Relaxed) % 4;
    let mut stream = road.upgrade(&format!("/agents/bench/unfinished-{agent}")).await?;
    let mut message = Vec::new();
    encode(&mut message, BINARY, &vec![7; 30 * 1024 * 1024]);
    for part in message[..message.len() - 1].chunks(256 * 1024) {
        timeout(TIMEOUT, stream.write_all(part)).await??;
        sleep(ms(20)).await;
    }
    closed(&mut stream).await
}

/// Sends one byte of a message every two seconds.
async fn trickle(road: Road, _: Arc<AtomicU64>) -> Result<()> {
    let mut stream = road.upgrade("/agents/bench/trickled").await?;
    for byte in call("echo", r#"["slow"]"#).repeat(10) {
        timeout(TIMEOUT, stream.write_all(&[byte])).await??;
        sleep(ms(2000)).await;
    }
    Ok(())
}

/// Sends one byte of a request every second.
async fn slow_header(road: Road, _: Arc<AtomicU64>) -> Result<()> {
    let mut stream = road.connect().await?;
    let request =
        format!("GET /agents/bench/slow HTTP/1.1\r\nhost: x\r\nx-filler: {}\r\n\r\n", "y".repeat(2000));
    for byte in request.bytes() {
        timeout(TIMEOUT, stream.write_all(&[byte])).await??;
        sleep(ms(1000)).await;
    }
    Ok(())
}

/// Sends headers that never end.
async fn endless_header(road: Road, _: Arc<AtomicU64>) -> Result<()> {
    let mut stream = road.connect().await?;
    stream.write_all(b"GET /agents/bench/slow HTTP/1.1\r\nhost: x\r\n").await?;
    let line = format!("x-more: {}\r\n", "z".repeat(4000));
    loop {
        timeout(TIMEOUT, stream.write_all(line.as_bytes())).await??;
    }
}

/// Announces a body of 1 MiB and sends one byte of it every second.
async fn slow_body(road: Road, _: Arc<AtomicU64>) -> Result<()> {
    let mut stream = road.connect().await?;
    stream
        .write_all(b"POST /agents/bench/slow HTTP/1.1\r\nhost: x\r\ncontent-length: 1048576\r\n\r\n")
        .await?;
    loop {
        timeout(TIMEOUT, stream.write_all(b"x")).await??;
        sleep(ms(1000)).await;
    }
}

/// Connects and disconnects.
async fn churn(road: Road, n: Arc<AtomicU64>) -> Result<()> {
    let agent = n.fetch_add(1, Ordering::Relaxed) % 16;
    drop(road.upgrade(&format!("/agents/bench/churned-{agent}")).await?);
    Ok(())
}

/// Sends bytes that are not frames until the server closes the connection.
async fn garbage(road: Road, n: Arc<AtomicU64>) -> Result<()> {
    let mut stream = road.upgrade("/agents/bench/garbage").await?;
    // The bytes differ in each round, although no random source is used.
    let seed = n.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bytes: Vec<u8> = (0..512_u64).map(|at| (seed.rotate_left((at % 61) as u32) ^ at) as u8).collect();
    stream.write_all(&bytes).await?;
    stream.shutdown().await?;
    closed(&mut stream).await
}

/// Makes an agent with a stored state and disconnects.
async fn names(road: Road, n: Arc<AtomicU64>) -> Result<()> {
    let agent = n.fetch_add(1, Ordering::Relaxed);
    let mut stream = road.upgrade(&format!("/agents/nap/new-{agent}")).await?;
    stream.write_all(&call("write", r#"["x"]"#)).await?;
    sleep(ms(50)).await;
    let mut close = Vec::new();
    encode(&mut close, crate::frame::CLOSE, &1000_u16.to_be_bytes());
    stream.write_all(&close).await?;
    closed(&mut stream).await
}
