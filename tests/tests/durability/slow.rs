//! A disk that does not answer while a log is moved into its database.

use std::sync::Arc;
use std::time::Duration;

use agents::prelude::*;
use agents::storage::Durability;
use agents::testing::Faults;
use agents_tests::{Client, TestServer};
use serde_json::json;

use crate::{LEDGER, Ledger};

/// Fills the log of an agent until it is moved into the database. The move hangs.
async fn fill(client: &mut Client, faults: &Faults) -> Vec<String> {
    let mut calls = Vec::new();
    for _ in 0..12 {
        calls.push(client.start_call("fill", json!([500_000])).await);
    }
    while faults.checkpoints() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    calls
}

#[tokio::test]
async fn a_checkpoint_that_hangs_holds_up_neither_answers_nor_other_agents() {
    for durability in [Durability::Disk, Durability::Process] {
        let faults = Arc::new(Faults::default());
        let agents = Agents::new().register::<Ledger>().durability(durability).faults(faults.clone());
        let server = TestServer::start_resident(agents, "a log that grows").await;
        let mut writer = server.join(LEDGER, true).await;
        let mut other = server.join("/agents/ledger/other", true).await;
        faults.hang_checkpoints(true);
        let calls = fill(&mut writer, &faults).await;
        // The test and the host share one thread, which is not blocked.
        assert_eq!(other.call("add", json!(["meanwhile"])).await, 1);
        writer.answer(&calls[0]).await;
        assert_eq!(
            faults.checkpoints(),
            1,
            "what is durable is answered, though the log is still being moved"
        );
        let count = writer.start_call("count", json!([])).await;
        assert_eq!(other.call("add", json!(["meanwhile"])).await, 2);
        faults.hang_checkpoints(false);
        assert_eq!(writer.answer(&count).await["result"], 12);
        drop((writer, other));
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_host_stops_after_a_checkpoint_and_has_everything() {
    let faults = Arc::new(Faults::default());
    let folder = tempfile::tempdir().expect("a folder");
    let agents = || Agents::new().register::<Ledger>().faults(faults.clone());
    let server = TestServer::start_resident_in(agents(), folder.path(), "a log that grows").await;
    let mut writer = server.join(LEDGER, true).await;
    faults.hang_checkpoints(true);
    let calls = fill(&mut writer, &faults).await;
    let goes_on = async {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        faults.hang_checkpoints(false);
    };
    drop(writer);
    tokio::join!(server.shutdown(), goes_on);
    let server = TestServer::start_resident_in(agents(), folder.path(), "as before").await;
    let mut again = server.join(LEDGER, true).await;
    let count = again.call("count", json!([])).await.as_u64().expect("a number");
    assert!((1..=calls.len() as u64).contains(&count), "{count}");
    assert_eq!(again.call("entries", json!([])).await, count);
}
