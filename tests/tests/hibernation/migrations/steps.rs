//! A power failure, a kill and a crash between the steps of a migration.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use agents::prelude::*;
use agents::testing::{Received, TestHost};
use agents_tests::recorder;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Notify, Semaphore};

use super::third::Third;
use super::{board, first, of_first, of_third, written_by_first};

const NO: [(); 0] = [];

type Step = Arc<dyn Fn(&'static str) + Send + Sync>;

#[wire]
#[derive(Clone, Default)]
struct Board {
    name: String,
    cards: u64,
}

/// The third version, which stops at each step.
#[agent(state = Board, version = 3, name = "board", migrations = migrations![
    "CREATE TABLE cards (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
    "ALTER TABLE cards ADD COLUMN author TEXT",
    "CREATE INDEX authors ON cards (author); UPDATE cards SET author = 'unknown';",
])]
struct Stepped {
    step: Step,
    /// The start waits here after its first turn.
    gate: Arc<Semaphore>,
    waits: Arc<Notify>,
}

#[agent]
impl Stepped {
    #[hook]
    fn migrate(&self, cx: &Context<Self>, _from: u32, old: Value) -> Result<Board> {
        (self.step)("migrate begins");
        let cards: u64 = sql!(cx, "SELECT count(*) FROM cards")?;
        sql!(cx, "INSERT INTO cards (text, author) VALUES ('migrated', 'hook')")?;
        (self.step)("migrate ends");
        Ok(Board { name: old["title"].as_str().unwrap_or_default().to_owned(), cards })
    }

    #[hook]
    async fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        (self.step)("on_start begins");
        cx.storage().put("started", &true)?;
        (self.step)("on_start has written");
        self.waits.notify_one();
        let _ = self.gate.acquire().await;
        (self.step)("on_start continues");
        Ok(())
    }

    #[callable]
    fn add(&self, cx: &Context<Self>, text: String) -> Result<u64> {
        (self.step)("a call");
        sql!(cx, "INSERT INTO cards (text, author) VALUES ({text}, 'call')")?;
        sql!(cx, "SELECT count(*) FROM cards")
    }

    #[callable]
    fn texts(&self, cx: &View<Self>) -> Result<Vec<String>> {
        sql!(cx, "SELECT text FROM cards ORDER BY id")
    }
}

impl Stepped {
    /// Makes the program of the class.
    fn program(step: Step, gate: &Arc<Semaphore>, waits: &Arc<Notify>) -> Agents {
        let (gate, waits) = (gate.clone(), waits.clone());
        Agents::new().register_with::<Self>(move |_| Self {
            step: step.clone(),
            gate: gate.clone(),
            waits: waits.clone(),
        })
    }
}

/// Copies a folder as a killed process leaves it: with everything that was written.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a file");
        }
    }
}

/// Checks the data that a failure left. Returns whether the agent is new.
async fn is_new(data: &Path) -> bool {
    let old = of_first(data);
    let found = old.host().get::<first::First>("one").cards().await;
    old.shutdown().await;
    let is_new = match found {
        Ok(cards) => {
            assert_eq!(cards, ["a", "b"]);
            false
        }
        Err(error) => {
            assert!(error.to_string().contains("(newer_version)"), "{error}");
            true
        }
    };
    let (recorder, mut notes) = recorder();
    let host = of_third(data, move || Third::new(recorder.clone()));
    let mut client = board(&host, "one").await;
    assert_eq!(client.greeting().await, Some(json!({ "name": "Plan", "cards": 2 })));
    let authors = client.call::<Vec<String>>("authors", NO).await;
    assert_eq!(authors[..3], ["unknown", "unknown", "hook"]);
    let converted = notes.so_far().iter().any(|note| note[0] == "migrate");
    assert_eq!(converted, !is_new, "the hook runs once for each agent");
    host.shutdown().await;
    is_new
}

/// A step, and the data that failures in it left.
type Left = Vec<(&'static str, TempDir)>;

#[tokio::test(start_paused = true)]
async fn a_power_failure_or_a_kill_at_a_step_leaves_the_agent_old_or_new() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_owned();
    written_by_first(&data, "Plan", &["a", "b"]).await;

    let faults = Arc::new(OnceLock::<Arc<agents::testing::Faults>>::new());
    let left = Arc::new(Mutex::new(Left::new()));
    let step: Step = {
        let (data, faults, left) = (data.clone(), faults.clone(), left.clone());
        Arc::new(move |step| {
            let killed = tempfile::tempdir().expect("a folder");
            copy(&data, killed.path());
            let mut failed = vec![(step, killed)];
            for seed in 0..6 {
                let after = tempfile::tempdir().expect("a folder");
                faults.get().expect("the host runs").power_cut(&data, after.path(), seed).expect("a failure");
                failed.push((step, after));
            }
            left.lock().expect("no panic").extend(failed);
        })
    };
    let (gate, waits) = (Arc::new(Semaphore::new(1)), Arc::new(Notify::new()));
    let program = {
        let step = step.clone();
        move || Stepped::program(step.clone(), &gate, &waits)
    };
    let host = TestHost::start_recorded(&data, program).expect("the host starts");
    assert!(faults.set(host.faults().clone()).is_ok());
    assert_eq!(host.host().get::<Stepped>("one").add("c".to_owned()).await.expect("a call"), 4);
    step("the answer");
    host.shutdown().await;
    step("the end");

    let left = std::mem::take(&mut *left.lock().expect("no panic"));
    let mut steps: Vec<(&str, Vec<bool>)> = Vec::new();
    for (step, after) in &left {
        let is_new = is_new(after.path()).await;
        match steps.last_mut() {
            Some((last, found)) if last == step => found.push(is_new),
            _ => steps.push((step, vec![is_new])),
        }
    }
    let names: Vec<_> = steps.iter().map(|(step, _)| *step).collect();
    let before = ["migrate begins", "migrate ends", "on_start begins", "on_start has written"];
    let after = ["on_start continues", "a call", "the answer", "the end"];
    assert_eq!(names, [before, after].concat());
    for (step, found) in steps {
        if before.contains(&step) {
            assert_eq!(found, [false; 7], "{step}");
        } else if step.starts_with("the ") {
            assert_eq!(found, [true; 7], "{step}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_the_start_runs_no_queued_call_twice_and_leaves_one_migration() {
    for crashes in 0..3 {
        let folder = tempfile::tempdir().expect("a folder");
        written_by_first(folder.path(), "Plan", &["a", "b"]).await;
        let migrated = Arc::new(AtomicUsize::new(0));
        let step: Step = {
            let migrated = migrated.clone();
            Arc::new(move |step| {
                if step == "migrate ends" {
                    migrated.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let (gate, waits) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
        let program = {
            let (gate, waits) = (gate.clone(), waits.clone());
            move || Stepped::program(step.clone(), &gate, &waits)
        };
        let host = TestHost::start_in(folder.path(), program).expect("the host starts");
        let object = host.object("board", "one");
        for _ in 0..crashes {
            let mut clients = [board(&host, "one").await, board(&host, "one").await];
            for client in &mut clients {
                client.start_call("add", ["lost"]).await;
            }
            waits.notified().await;
            object.crash().await;
            for client in &mut clients {
                assert!(matches!(client.end().await, Received::Close(..)), "a crash ends its connections");
            }
        }
        let mut clients = [board(&host, "one").await, board(&host, "one").await];
        let mut calls = Vec::new();
        for client in &mut clients {
            calls.push(client.start_call("add", ["kept"]).await);
        }
        waits.notified().await;
        object.hibernate().await.expect_err("a start keeps the object awake");
        gate.add_permits(10);
        for (client, call) in clients.iter_mut().zip(&calls) {
            client.answer(call).await;
        }
        let texts = clients[0].call::<Vec<String>>("texts", NO).await;
        assert_eq!(texts[..3], ["a", "b", "migrated"], "{crashes} crashes");
        // A call without an answer has run once or not at all.
        let count = |text: &str| texts[3..].iter().filter(|found| *found == text).count();
        assert!(count("kept") == 2 && count("lost") <= 2 * crashes, "{texts:?}");
        assert_eq!(texts.len(), 3 + count("kept") + count("lost"), "{texts:?}");
        object.hibernate().await.expect("the object is idle");
        assert_eq!(clients[1].call::<Vec<String>>("texts", NO).await, texts);
        // A crash before the commit undoes the whole migration, and the next start runs it again.
        let times = migrated.load(Ordering::Relaxed);
        assert!((1..=crashes + 1).contains(&times), "{times} after {crashes} crashes");
        let state = board(&host, "one").await.greeting().await;
        assert_eq!(state, Some(json!({ "name": "Plan", "cards": 2 })));
    }
}
