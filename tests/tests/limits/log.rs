//! The log writes few lines, no matter how many a client causes.

use std::io;
use std::sync::{Arc, Mutex};

use agents::prelude::*;
use agents::testing::TestHost;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::support::secs;

const TIMES: usize = 10_000;
/// A number far above the limit of lines for one kind in a second.
const FEW: usize = 20;

#[wire]
#[derive(Clone, Default)]
struct Count {
    count: u32,
}

/// An agent that rejects the messages and states of its clients.
#[agent(state = Count)]
#[derive(Default)]
struct Strict;

#[agent]
impl Strict {
    #[hook]
    fn on_message(&self, _: Message) -> Result<()> {
        Err(Error::new("forbidden", "no messages"))
    }

    #[hook]
    fn validate_state_change(&self, next: &Count) -> Result<()> {
        if next.count > 5 { Err(Error::msg("too many")) } else { Ok(()) }
    }

    #[callable]
    fn handled(&self) {}
}

/// The log lines of this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_causes_very_many_lines_leaves_a_few_and_their_number() {
    let log = Log::default();
    let lines = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::DEBUG)
        .with_ansi(false)
        .with_writer(move || lines.clone())
        .finish();
    let _log = subscriber.set_default();
    let host = TestHost::start(|| Agents::new().register::<Strict>()).expect("the host starts");
    for (cause, line) in [
        (r#"{"type":"cf_agent_state","state":{"count":"one"}}"#, "not of the agent's type"),
        (r#"{"type":"cf_agent_state","state":{"count":6}}"#, "a pushed state was rejected"),
        ("a message", "broke a rule"),
    ] {
        let mut client = host.connect("/agents/strict/one").await;
        client.greeting().await;
        log.take();
        for _ in 0..TIMES {
            client.send(cause).await;
        }
        let _: serde_json::Value = client.call("handled", ()).await;
        host.advance(secs(2)).await;
        let log = log.take();
        let ours: Vec<&str> = log.lines().filter(|line| line.contains("agents::client")).collect();
        assert!(ours.len() <= FEW, "{} lines, {ours:#?}", ours.len());
        let written = ours.iter().filter(|found| found.contains(line)).count();
        let left_out =
            ours.iter().filter_map(|line| line.split_once("left_out=")?.1.trim().parse::<usize>().ok());
        assert_eq!((written > 0, written + left_out.sum::<usize>()), (true, TIMES), "{ours:#?}");
    }
}
