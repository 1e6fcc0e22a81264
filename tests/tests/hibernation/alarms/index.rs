//! The index of alarms is derived from the files of the objects, so that damage to the index never loses an
//! alarm.

use std::fs;
use std::path::{Path, PathBuf};

use agents::testing::TestHost;

use crate::alarms::delivery::{ask, clock, program, rings};
use crate::support::{millis, secs};

/// A function that damages a data folder.
type Harm = fn(&Path);

fn file(data: &Path) -> PathBuf {
    data.join("=alarms.sqlite")
}

fn remove(data: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file(data).into_os_string();
        name.push(suffix);
        let _ = fs::remove_file(name);
    }
}

// S105
#[tokio::test(start_paused = true)]
async fn alarms_ring_though_their_index_was_lost_or_damaged() {
    let damages: [(&str, Harm); 5] = [
        ("removed", remove),
        ("zeros", |data| fs::write(file(data), vec![0; 9000]).unwrap()),
        ("no database", |data| fs::write(file(data), "no database").unwrap()),
        ("without its tables", |data| {
            let index = rusqlite::Connection::open(file(data)).unwrap();
            index.execute_batch("DROP TABLE alarms").unwrap();
        }),
        ("pages of zeros", |data| {
            let mut bytes = fs::read(file(data)).unwrap();
            bytes[4096..].fill(0);
            fs::write(file(data), bytes).unwrap();
        }),
    ];
    for (damage, harm) in damages {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let (program, _bench, mut notes) = program();
        let host = TestHost::start_in(&data, program.clone()).unwrap();
        for n in 0..5 {
            ask(&host.object("clock", &format!("c{n}")), "set=60").await;
        }
        host.shutdown().await;
        harm(&data);
        let host = TestHost::start_in(&data, program).unwrap();
        notes.so_far();
        host.advance(secs(61)).await;
        assert_eq!(rings(&mut notes).len(), 5, "{damage}");
        host.advance(secs(600)).await;
        assert_eq!(rings(&mut notes).len(), 0, "{damage}");
        host.shutdown().await;
    }
}

// S105
#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn an_index_that_is_removed_while_it_is_used_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (program, _bench, mut notes) = program();
    let host = TestHost::start_in(&data, program).unwrap();
    let (asleep, awake) = (host.object("clock", "asleep"), host.object("clock", "awake"));
    ask(&asleep, "set=60").await;
    asleep.hibernate().await.unwrap();
    ask(&awake, "set=90").await;
    host.advance(millis(100)).await;
    remove(&data);
    // No request is refused at this moment, and no alarm is lost.
    assert_eq!(ask(&host.object("clock", "new"), "set=30").await, "Some(30)");
    host.advance(millis(50)).await;
    for (seconds, name) in [(30, "new"), (60, "asleep"), (90, "awake")] {
        host.advance(secs(30)).await;
        let rang = rings(&mut notes);
        assert!(rang.len() == 1 && rang[0]["name"] == name, "{seconds}: {rang:?}");
    }
    // The next process finds a complete index.
    ask(&asleep, "set=60").await;
    let host = host.restart().await.unwrap();
    host.advance(secs(61)).await;
    assert_eq!(rings(&mut notes).len(), 1);
    host.shutdown().await;
}

// S105
#[tokio::test(start_paused = true)]
async fn an_index_that_cannot_be_written_rings_what_it_knows_and_does_not_turn_in_circles() {
    let (host, _bench, mut notes) = clock();
    for n in 0..20 {
        ask(&host.object("clock", &format!("c{n}")), "set=60").await;
    }
    ask(&host.object("clock", "late"), "set=2000").await;
    host.advance(millis(100)).await;
    host.faults().fail_index_writes(u32::MAX);
    let before = host.faults().index_writes();
    host.advance(secs(660)).await;
    assert_eq!(rings(&mut notes).len(), 20, "each alarm is delivered once");
    // The index is tried again after 1, 2, 4 ... 60 s.
    let tries = host.faults().index_writes() - before;
    assert!((5..25).contains(&tries), "{tries}");
    // An alarm that cannot be registered is refused.
    let refused = ask(&host.object("clock", "c1"), "set=60").await;
    assert!(!refused.starts_with("Some"), "{refused}");
    host.advance(secs(660)).await;
    assert_eq!(rings(&mut notes).len(), 0);
    host.faults().fail_index_writes(0);
    host.advance(secs(61)).await;
    assert_eq!(ask(&host.object("clock", "c1"), "set=60").await, "Some(60)");
    host.advance(secs(61)).await;
    assert_eq!(rings(&mut notes).len(), 1);
    // All changes are written by now, so the next process delivers no alarm twice.
    let host = host.restart().await.unwrap();
    host.advance(secs(2000)).await;
    let rang = rings(&mut notes);
    assert!(rang.len() == 1 && rang[0]["name"] == "late", "{rang:?}");
}
