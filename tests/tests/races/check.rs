//! Conditions that must hold at the end of a run.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use agents::testing::{Received, TestHost, TestObject};
use serde_json::Value;

use crate::clients::{Told, address};
use crate::ledger::LONG;
use crate::witness::Witness;

/// Compares the stored data of all objects with the acknowledgements to their clients, and returns the number
/// of turns.
pub(crate) async fn check_all(host: &TestHost, objects: usize, told: &Told, witness: &Witness) -> usize {
    let mut entries = 0;
    for object in 0..objects {
        let (class, name) = address(object);
        let books = books(&host.object(class, &name), class == "ledger").await;
        entries += check_books(object, &books, told, witness);
    }
    entries
}

/// Returns the data that an object has stored.
async fn books(object: &TestObject, agent: bool) -> Value {
    let mut ends = Vec::new();
    for _ in 0..5 {
        let mut socket = object.connect("").await;
        let ask = match agent {
            true => {
                serde_json::json!({ "type": "rpc", "id": "books", "method": "books", "args": [] }).to_string()
            }
            false => "books".to_owned(),
        };
        if !socket.try_send(ask).await {
            continue;
        }
        loop {
            let frame = socket.next().await;
            let Received::Text(text) = frame else {
                ends.push(frame);
                break;
            };
            let mut frame: Value = serde_json::from_str(&text).unwrap();
            if frame["entries"].is_array() {
                return frame;
            }
            if frame["id"] == "books" {
                return frame["result"].take();
            }
        }
    }
    panic!("{object:?} does not answer: {ends:?}");
}

fn check_books(object: usize, books: &Value, told: &Told, witness: &Witness) -> usize {
    let check = |ok: bool, what: &dyn Fn() -> String| {
        if !ok {
            witness.violated(format!("{:?}: {}", address(object), what()));
        }
    };
    let pairs: Vec<(u64, u64)> = serde_json::from_value(books["entries"].clone()).unwrap();
    let entries: HashSet<(u64, u64)> = pairs.iter().copied().collect();
    check(entries.len() == pairs.len(), &|| format!("something was entered twice: {pairs:?}"));
    check(books["count"] == pairs.len() && books["state"] == pairs.len(), &|| {
        format!("{} rows, key {}, state {}", pairs.len(), books["count"], books["state"])
    });
    let count = entries.len();
    let follow = (count > 0).then(|| (count.to_string(), LONG + count as u64));
    check(
        books["response"] == serde_json::json!(follow.as_ref().map(|(response, _)| response))
            && books["timeout"] == serde_json::json!(follow.as_ref().map(|(_, timeout)| timeout)),
        &|| format!("{count} rows, response {}, timeout {}", books["response"], books["timeout"]),
    );
    for (number, part) in &entries {
        check(told.tried.get(number) == Some(&object), &|| format!("no client entered {number}"));
        check(*part == 0 || entries.contains(&(*number, 0)), &|| format!("{number} has a second part only"));
    }
    for (_, number, parts) in told.entered.iter().filter(|(of, ..)| *of == object) {
        for part in 0..*parts {
            check(entries.contains(&(*number, part)), &|| format!("{number} part {part} is lost"));
        }
    }
    for (_, number) in told.undone.iter().filter(|(of, _)| *of == object) {
        check(!entries.contains(&(*number, 0)), &|| format!("{number} was undone and is there"));
    }
    let rang: Vec<u64> = serde_json::from_value(books["rang"].clone()).unwrap();
    let once: HashSet<u64> = rang.iter().copied().collect();
    check(once.len() == rang.len(), &|| format!("an alarm was noted twice: {rang:?}"));
    for (_, number) in told.undone.iter().filter(|(of, _)| *of == object) {
        check(!once.contains(number), &|| format!("alarm {number} was undone and rang"));
    }
    for (_, number) in told.alarms.iter().filter(|(of, _)| *of == object) {
        check(once.contains(number), &|| format!("alarm {number} did not ring: {books}"));
    }
    check(books["due"] == serde_json::json!([]) && books["alarm"].is_null(), &|| format!("left: {books}"));
    entries.len()
}

/// Checks that the end of every accepted connection was handled exactly once.
pub(crate) fn check_ends(told: &Told, witness: &Witness) {
    let mut let_in: HashMap<&(u64, String), usize> = HashMap::new();
    for connection in &told.let_in {
        *let_in.entry(connection).or_default() += 1;
    }
    let found = witness.with(|seen| {
        let mut found = Vec::new();
        for (connection, count) in let_in {
            let closed = seen.closes.get(connection).copied().unwrap_or_default();
            // Connections that ended with their host are not reported.
            if connection.0 == seen.run && closed < count {
                found.push(format!("{connection:?} was let in {count} times and closed {closed} times"));
            }
        }
        for (connection, closed) in &seen.closes {
            let connects = seen.connects.get(connection).copied().unwrap_or_default();
            if *closed > connects {
                found.push(format!("{connection:?} connected {connects} times and closed {closed} times"));
            }
        }
        found
    });
    found.into_iter().for_each(|what| witness.violated(what));
}

/// Returns a temporary folder, in memory if possible: on a disk, most of the time would be spent in flushes.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Runs one seed or all seeds. `AGENTS_SEEDS=5000` runs more, and `AGENTS_SEED=17` runs one. Both write a
/// log.
pub(crate) fn all_seeds(usual: u64, run: impl Fn(u64) + std::panic::RefUnwindSafe) {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let (one, many) = (number("AGENTS_SEED"), number("AGENTS_SEEDS"));
    if one.or(many).is_some() {
        // Another test may have installed a log before.
        let _ = tracing_subscriber::fmt().with_test_writer().without_time().try_init();
    }
    let seeds = match one {
        Some(seed) => seed..seed + 1,
        None => 0..many.unwrap_or(usual),
    };
    for seed in seeds {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("this was seed {seed}: AGENTS_SEED={seed} runs it again");
            std::panic::resume_unwind(panic);
        }
    }
}
