//! Files that are damaged or missing, while the agent is in memory or asleep.

use std::fs;
use std::path::Path;

use agents::prelude::*;
use agents::testing::{CallError, Received, TestConnection, TestHost};

use crate::Ledger;

fn start(data: &Path) -> TestHost {
    TestHost::start_in(data, || Agents::new().register::<Ledger>()).expect("a host")
}

async fn join(host: &TestHost, name: &str) -> TestConnection {
    let mut client = host.agent::<Ledger>(name).connect("").await;
    client.greeting().await;
    client
}

#[tokio::test(start_paused = true)]
async fn a_damaged_agent_is_refused_until_its_file_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let host = start(&data);
    let mut client = join(&host, "one").await;
    assert_eq!(client.call::<i64>("add", ["kept"]).await, 1);
    host.shutdown().await;
    let path = data.join("ledger/one.sqlite");
    let whole = fs::read(&path).expect("a file");
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("cut", whole[..5000].to_vec()),
        ("cut at a page", whole[..8192].to_vec()),
        ("zeros", vec![0; whole.len()]),
    ] {
        fs::write(&path, &bytes).expect("a damage");
        let host = start(&data);
        for _ in 0..2 {
            let refused = host.agent::<Ledger>("one").connect("").await.end().await;
            assert!(matches!(refused, Received::Close(1011 | 4500, _)), "{what}: {refused:?}");
        }
        assert_eq!(join(&host, "two").await.call::<i64>("add", ["new"]).await, 1, "others work");
        host.shutdown().await;
        assert_eq!(fs::read(&path).expect("a file"), bytes, "{what}: it was touched");
        fs::remove_file(data.join("ledger/two.sqlite")).expect("a file");
        fs::remove_file(data.join("ledger/two.sqlite-wal")).expect("a mark");
    }
    fs::write(&path, &whole).expect("a copy");
    let host = start(&data);
    assert_eq!(join(&host, "one").await.call::<i64>("add", ["again"]).await, 2);
    host.shutdown().await;
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn nothing_is_acknowledged_into_a_folder_that_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let host = start(&data);
    let (mut one, mut two) = (join(&host, "one").await, join(&host, "two").await);
    assert_eq!(one.call::<i64>("add", ["kept"]).await, 1);
    assert_eq!(two.call::<i64>("add", ["kept"]).await, 1);
    let moved = folder.path().join("moved");
    fs::rename(&data, &moved).expect("the folder moves");
    for client in [&mut one, &mut two] {
        let lost = client.try_call::<i64>("add", ["lost"]).await;
        assert!(matches!(lost, Err(CallError::Ended(_))), "{lost:?}");
    }
    // A new agent cannot start there either.
    let refused = host.agent::<Ledger>("new").connect("").await.end().await;
    assert!(matches!(refused, Received::Close(1011 | 4500, _)), "{refused:?}");
    assert!(!data.exists(), "nothing is made in its place");
    fs::rename(&moved, &data).expect("the folder comes back");
    assert!(join(&host, "one").await.call::<i64>("add", ["after"]).await >= 2);
    host.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_file_whose_flush_failed_does_not_count_as_closed_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = start(folder.path());
    let mut client = join(&host, "one").await;
    assert_eq!(client.call::<i64>("add", ["kept"]).await, 1);
    host.faults().fail_syncs(1);
    let lost = client.try_call::<i64>("add", ["lost"]).await;
    assert!(matches!(lost, Err(CallError::Ended(_))), "{lost:?}");
    // The activation ends after the close that its clients receive.
    host.advance(std::time::Duration::from_secs(1)).await;
    assert!(!host.agent::<Ledger>("one").is_awake());
    let log = fs::metadata(folder.path().join("ledger/one.sqlite-wal")).expect("a log").len();
    assert!(log > 4, "the next activation would treat the file as flushed: {log}");
    assert!(join(&host, "one").await.call::<i64>("add", ["after"]).await >= 2);
    host.shutdown().await;
}
