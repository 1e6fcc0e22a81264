//! A full disk: a real one where a small file system can be mounted.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use agents::prelude::*;
use agents::testing::{CallError, Received, TestConnection, TestHost};
use serde_json::Value;

use crate::Ledger;

/// A file system of two megabytes, or a folder with a host that fails writes on request.
struct Disk {
    folder: tempfile::TempDir,
    mounted: bool,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "agents-test"])
            .arg(folder.path())
            .output();
        let mounted = mount.is_ok_and(|output| output.status.success());
        eprintln!(
            "the disk is full {}",
            if mounted { "for real" } else { "on request: mounting is not permitted" }
        );
        Self { folder, mounted }
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn filler(&self) -> std::path::PathBuf {
        self.folder.path().join("filler")
    }

    /// Fills the disk completely.
    fn fill(&self, host: &TestHost) {
        if !self.mounted {
            return host.faults().fail_writes(u32::MAX);
        }
        let mut file = File::options().create(true).append(true).open(self.filler()).expect("a filler");
        for size in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free(&self, host: &TestHost) {
        if self.mounted {
            std::fs::remove_file(self.filler()).expect("the filler goes");
        } else {
            host.faults().fail_writes(0);
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            // The test is over, so an error here has no effect.
            let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
        }
    }
}

fn start(data: &Path) -> TestHost {
    TestHost::start_in(data, || Agents::new().register::<Ledger>()).expect("a host")
}

async fn join(host: &TestHost, name: &str) -> TestConnection {
    let mut client = host.agent::<Ledger>(name).connect("").await;
    client.greeting().await;
    client
}

async fn notes(client: &mut TestConnection) -> Vec<String> {
    client.call("notes", ()).await
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_reported_and_loses_nothing() {
    let disk = Disk::new();
    let host = start(&disk.data());
    let mut one = join(&host, "one").await;
    let mut two = join(&host, "two").await;
    let mut acknowledged = Vec::new();
    for number in 0..5 {
        for client in [&mut one, &mut two] {
            client.call::<i64>("add", [format!("before {number}")]).await;
        }
        acknowledged.push(format!("before {number}"));
    }

    disk.fill(&host);
    // The log may still have a little free space.
    let mut end = None;
    for number in 0..1000 {
        let note = format!("{number} {}", "x".repeat(500));
        match one.try_call::<i64>("add", [&note]).await {
            Ok(_) => acknowledged.push(note),
            Err(CallError::Refused(error)) => {
                assert!(error.starts_with("Internal error (id "), "{error}");
            }
            Err(CallError::Ended(_)) => {
                end = Some(one.end().await);
                break;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(end, Some(Received::Close(1011, "the server's disk is full".into())));

    // Other agents still write, and stored data can be read.
    assert_eq!(notes(&mut two).await.len(), 5);
    // A new agent cannot be created, and its client is refused.
    let mut new = host.agent::<Ledger>("new").connect("").await;
    let refused = new.end().await;
    assert!(matches!(refused, Received::Close(1011 | 4500, _)), "{refused:?}");

    disk.free(&host);
    let mut one = join(&host, "one").await;
    assert_eq!(notes(&mut one).await, acknowledged);
    for (client, count) in [(&mut one, acknowledged.len()), (&mut two, 5), (&mut join(&host, "new").await, 0)]
    {
        assert_eq!(client.call::<usize>("add", ["after"]).await, count + 1, "it works again");
    }
    let host = host.restart().await.expect("the host starts again");
    acknowledged.push("after".to_owned());
    let mut one = join(&host, "one").await;
    assert_eq!(notes(&mut one).await, acknowledged);
    assert_eq!(one.call::<Value>("count", ()).await, acknowledged.len());
    host.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_disk_restarts_its_agent_from_what_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = start(folder.path());
    let mut two = join(&host, "two").await;
    let faults = host.faults().clone();
    let failures: [&dyn Fn(); 4] =
        [&|| faults.fail_commits(1), &|| faults.fail_syncs(1), &|| faults.fail_writes(1), &|| {
            faults.break_writes(1)
        }];
    let mut acknowledged = Vec::new();
    for (number, fail) in failures.iter().enumerate() {
        let mut one = join(&host, "one").await;
        let mut watcher = join(&host, "one").await;
        let note = format!("good {number}");
        one.call::<i64>("add", [&note]).await;
        acknowledged.push(note);
        watcher.json().await;
        fail();
        let lost = format!("lost {number}");
        assert!(matches!(one.try_call::<i64>("add", [&lost]).await, Err(CallError::Ended(_))));
        let end = watcher.next().await;
        assert!(matches!(end, Received::Close(1011, _)), "nothing of it was sent: {end:?}");
        let mut again = join(&host, "one").await;
        let left = notes(&mut again).await;
        // After a failed sync the outcome is unknown. The agent continues with the count that it reports now.
        if number == 1 && left.last() == Some(&lost) {
            acknowledged.push(lost);
        }
        assert_eq!(left, acknowledged);
        assert_eq!(again.call::<usize>("count", ()).await, acknowledged.len(), "row and state are one");
        assert_eq!(two.call::<usize>("add", ["fine"]).await, number + 1, "another agent does not notice");
    }
    host.shutdown().await;
}
