//! A client that behaves correctly and measures.

use std::io::{Error, Result};
use std::net::IpAddr;
use std::time::Duration;

use hdrhistogram::Histogram;
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, timeout};

use super::line::{Road, TIMEOUT};
use crate::frame::{PING, PONG, TEXT, decode, encode};

/// The interval between two calls.
const EVERY: Duration = Duration::from_millis(25);

/// The latencies of a witness in one period, in microseconds.
#[derive(Debug)]
pub(super) struct Seen {
    /// Calls that read no data.
    pub(super) echo: Histogram<u32>,
    /// Calls that are durable before they are answered.
    pub(super) increment: Histogram<u32>,
}

/// A connection to an agent that no other client uses.
pub(super) struct Witness {
    stream: TcpStream,
    input: Vec<u8>,
    calls: u64,
}

impl Witness {
    pub(super) async fn connect(from: IpAddr, road: Road, agent: &str) -> Result<Self> {
        let stream = Road { from, ..road }.upgrade(&format!("/agents/bench/{agent}")).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, input: Vec::new(), calls: 0 })
    }

    /// Calls a method that pauses for 10 ms, until the given time, and returns the latencies in microseconds.
    pub(super) async fn watch_pauses(&mut self, until: Instant) -> Result<Histogram<u32>> {
        let mut seen = Histogram::new(3).map_err(Error::other)?;
        let mut beat = interval(EVERY);
        while Instant::now() < until {
            beat.tick().await;
            let start = Instant::now();
            timeout(TIMEOUT, self.call("pause", "[]")).await??;
            let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
            seen.record(micros).map_err(Error::other)?;
        }
        Ok(seen)
    }

    /// Calls until the given time.
    pub(super) async fn watch(&mut self, until: Instant) -> Result<Seen> {
        let new = || Histogram::new(3).map_err(Error::other);
        let mut seen = Seen { echo: new()?, increment: new()? };
        let mut beat = interval(EVERY);
        while Instant::now() < until {
            beat.tick().await;
            let (method, arguments, histogram) = match self.calls % 2 {
                0 => ("echo", r#"["here"]"#, &mut seen.echo),
                _ => ("increment", "[]", &mut seen.increment),
            };
            let start = Instant::now();
            timeout(TIMEOUT, self.call(method, arguments)).await??;
            let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
            histogram.record(micros).map_err(Error::other)?;
        }
        Ok(seen)
    }

    async fn call(&mut self, method: &str, arguments: &str) -> Result<()> {
        self.calls += 1;
        let id = format!(r#""id":"w{}""#, self.calls);
        let text = format!(r#"{{"type":"rpc",{id},"method":"{method}","args":{arguments}}}"#);
        let mut out = Vec::new();
        encode(&mut out, TEXT, text.as_bytes());
        self.stream.write_all(&out).await?;
        loop {
            while let Some((opcode, payload)) = decode(&self.input) {
                let end = payload.end;
                let answered = match opcode {
                    TEXT => memmem::find(&self.input[payload], id.as_bytes()).is_some(),
                    PING => {
                        let mut pong = Vec::new();
                        encode(&mut pong, PONG, &self.input[payload]);
                        self.stream.write_all(&pong).await?;
                        false
                    }
                    crate::frame::CLOSE => return Err(Error::other("the server closed the socket")),
                    _ => false,
                };
                self.input.drain(..end);
                if answered {
                    return Ok(());
                }
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(Error::other("the witness lost its connection"));
            }
        }
    }
}
