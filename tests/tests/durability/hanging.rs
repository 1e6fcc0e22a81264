//! A disk that stops answering while the host shuts down.

use std::sync::Arc;
use std::time::Duration;

use agents::Host;
use agents::limits::Limits;
use agents::prelude::*;
use agents::testing::Faults;
use agents_tests::{Client, Received, TestServer};
use serde_json::json;

use crate::{LEDGER, Ledger};

fn agents(faults: &Arc<Faults>) -> Agents {
    let mut limits = Limits::default();
    limits.shutdown_grace = Duration::from_millis(50);
    Agents::new().register::<Ledger>().limits(limits).faults(faults.clone())
}

/// Reads until the close frame and returns the answers before it.
async fn until_closed(client: &mut Client) -> Vec<serde_json::Value> {
    let mut answers = Vec::new();
    loop {
        match client.next().await {
            frame @ Received::Text(_) => answers.push(frame.json()),
            end => {
                assert_eq!(end, Received::Close(1001, "server shutting down".to_owned()));
                return answers;
            }
        }
    }
}

/// Starts a host again as soon as the threads of the last one have released its folder.
async fn start_again(agents: impl Fn() -> Agents, data: &std::path::Path) -> Host {
    loop {
        match agents().data_dir(data).start() {
            Ok(host) => return host,
            Err(error) => assert_eq!(error.code(), "storage_locked", "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_host_stops_although_the_disk_hangs_and_acknowledges_nothing_more() {
    let faults = Arc::new(Faults::default());
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestServer::start_resident_in(agents(&faults), folder.path(), "a disk that hangs").await;
    let mut writer = server.join(LEDGER, true).await;
    let mut idle = server.join("/agents/ledger/idle", true).await;
    assert_eq!(writer.call("add", json!(["kept"])).await, 1);
    idle.call("add", json!(["kept"])).await;
    writer.drain().await;
    idle.drain().await;
    // Both the flushes and the close of a database hang.
    let held = faults.hold_disk();
    writer.start_call("add", json!(["lost or not"])).await;
    let host = server.host().clone();
    while host.status("ledger", "one").is_none_or(|status| status.metrics.commits != 2) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stopped = tokio::time::timeout(Duration::from_secs(60), server.shutdown()).await;
    stopped.expect("the host does not wait for the disk");
    assert_eq!(until_closed(&mut writer).await, Vec::<serde_json::Value>::new());
    assert_eq!(until_closed(&mut idle).await, Vec::<serde_json::Value>::new());
    // The threads of the host continue when the disk does. Until then they keep the folder locked.
    let locked = agents(&faults).data_dir(folder.path()).start().expect_err("the folder is in use");
    assert_eq!(locked.code(), "storage_locked");
    drop((held, host));
    let host = start_again(|| agents(&faults), folder.path()).await;
    let count: i64 = host.get::<Ledger>("one").call("count", ()).await.expect("an answer");
    assert!((1..=2).contains(&count), "{count}");
    host.shutdown().await;
}
