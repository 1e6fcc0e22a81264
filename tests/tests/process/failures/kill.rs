//! `kill -9` under load: acknowledged writes survive.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agents_tests::{Client, Received};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::conformance::Program;

const AGENTS: usize = 4;
const CALLERS: usize = 3;
const ROUNDS: usize = 5;
/// The number of calls that one connection has in flight.
const WINDOW: usize = 8;

/// The observations of the clients of one agent in all rounds.
#[derive(Default)]
struct Seen {
    sent: usize,
    results: HashSet<i64>,
    acknowledged: usize,
    /// The highest value in any answer or state frame.
    highest: i64,
}

/// The counters of a running round, which decide when to kill the process.
struct Round {
    answers: AtomicUsize,
    enough: usize,
    kill: Notify,
}

impl Round {
    fn answered(&self) {
        if self.answers.fetch_add(1, Ordering::Relaxed) + 1 == self.enough {
            self.kill.notify_one();
        }
    }
}

fn frame(received: Received) -> Option<Value> {
    match received {
        Received::Text(text) => serde_json::from_str(&text).ok(),
        // The process has ended.
        _ => None,
    }
}

/// Calls until the process ends. Every call inserts a row and counts in the state.
async fn call(mut client: Client, round: Arc<Round>) -> Seen {
    let mut seen = Seen::default();
    let mut open = 0;
    loop {
        while open < WINDOW {
            let id = seen.sent.to_string();
            let call = json!({ "type": "rpc", "id": id, "method": "sideEffect", "args": [] });
            seen.sent += 1;
            open += 1;
            if !client.try_send(call.to_string()).await {
                break;
            }
        }
        let Some(frame) = frame(client.next().await) else { return seen };
        if let Some(count) = frame["state"]["count"].as_i64() {
            seen.highest = seen.highest.max(count);
        }
        if frame["type"] == "rpc" {
            let result = frame["result"].as_i64().unwrap_or_else(|| panic!("a call failed: {frame}"));
            assert!(seen.results.insert(result), "two calls got {result}");
            seen.acknowledged += 1;
            seen.highest = seen.highest.max(result);
            open -= 1;
            round.answered();
        }
    }
}

/// Reads states only.
async fn watch(mut client: Client) -> Seen {
    let mut seen = Seen::default();
    while let Some(frame) = frame(client.next().await) {
        let count = frame["state"]["count"].as_i64().expect("a state frame");
        assert!(count >= seen.highest, "a watcher never goes back");
        seen.highest = count;
    }
    seen
}

/// Pushes states, which are not acknowledged. A state that another client receives must survive.
async fn push(mut client: Client, from: i64) -> Seen {
    for count in from.. {
        let push = json!({ "type": "cf_agent_state", "state": { "count": count } });
        if !client.try_send(push.to_string()).await {
            break;
        }
        // The sender gets no answer to a push, so a call in between limits its speed.
        if count % 50 == 0 {
            let call = json!({ "type": "rpc", "id": "q", "method": "getCount", "args": [] });
            if !client.try_send(call.to_string()).await || frame(client.next().await).is_none() {
                break;
            }
        }
    }
    Seen::default()
}

/// Compares the data of an agent with the observations of its clients before the kill.
async fn check(program: &Program, agent: usize, seen: &Seen) -> i64 {
    let mut client = program.connect(&format!("/agents/test-counter/load-{agent}")).await;
    let state = client.greeting(true).await.expect("a state");
    let count = state["count"].as_i64().expect("a count");
    assert_eq!(client.call("getCount", json!([])).await, count);
    assert!(count >= seen.highest, "agent {agent} has {count}, but a client received {}", seen.highest);
    assert!(count >= seen.acknowledged as i64, "agent {agent} lost a call: {count} < {}", seen.acknowledged);
    assert!(count <= seen.sent as i64, "agent {agent} counted a call twice");
    assert_eq!(client.call("effects", json!([])).await, count, "the row and the state of a call are one");
    count
}

async fn round(data: &Path, number: usize, all: &mut [Seen], pushed: &mut i64) {
    let program = Program::start(data).await;
    for (agent, seen) in all.iter().enumerate() {
        check(&program, agent, seen).await;
    }
    let mut pushes = program.connect("/agents/test-counter/pushed").await;
    let state = pushes.greeting(true).await.expect("a state");
    let stored = state["count"].as_i64().expect("a count");
    assert!(stored >= *pushed, "a client received {pushed}, and {stored} is stored");

    let enough = 600 + number * 211;
    let round = Arc::new(Round { answers: AtomicUsize::new(0), enough, kill: Notify::new() });
    let watcher = program.join("/agents/test-counter/pushed").await;
    let mut tasks = tokio::task::JoinSet::new();
    for agent in 0..AGENTS {
        let path = format!("/agents/test-counter/load-{agent}");
        let watcher = program.join(&path).await;
        tasks.spawn(async move { (agent, watch(watcher).await) });
        for _ in 0..CALLERS {
            let client = program.join(&path).await;
            let round = round.clone();
            tasks.spawn(async move { (agent, call(client, round).await) });
        }
    }
    tasks.spawn(async move { (AGENTS, watch(watcher).await) });
    tasks.spawn(async move { (AGENTS, push(pushes, stored + 1).await) });
    let waited = tokio::time::timeout(Duration::from_secs(120), round.kill.notified()).await;
    assert!(waited.is_ok(), "only {} answers came", round.answers.load(Ordering::Relaxed));
    program.kill();
    let mut results: HashMap<usize, Vec<i64>> = HashMap::new();
    while let Some(task) = tasks.join_next().await {
        let (agent, seen) = task.expect("a client");
        if agent == AGENTS {
            *pushed = seen.highest.max(*pushed);
            continue;
        }
        let total = &mut all[agent];
        total.sent += seen.sent;
        total.acknowledged += seen.acknowledged;
        total.highest = total.highest.max(seen.highest);
        results.entry(agent).or_default().extend(seen.results);
    }
    for (agent, results) in results {
        for result in results {
            assert!(all[agent].results.insert(result), "two calls of agent {agent} got {result}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut all: Vec<Seen> = (0..AGENTS).map(|_| Seen::default()).collect();
    let mut pushed = 0;
    for number in 0..ROUNDS {
        round(&data, number, &mut all, &mut pushed).await;
    }
    let acknowledged: usize = all.iter().map(|seen| seen.acknowledged).sum();
    assert!(acknowledged >= 3000, "the load is high enough: {acknowledged}");
    assert!(pushed > 0, "a client received a pushed state");
    // This time the process may shut down in an orderly way.
    let program = Program::start(&data).await;
    let mut counts = Vec::new();
    for (agent, seen) in all.iter().enumerate() {
        counts.push(check(&program, agent, seen).await);
    }
    program.signal("TERM");
    assert!(program.exit().await.0.success());
    let program = Program::start(&data).await;
    for (agent, seen) in all.iter().enumerate() {
        assert_eq!(check(&program, agent, seen).await, counts[agent], "stopping changes nothing");
    }
}

#[tokio::test]
async fn a_process_killed_while_it_starts_agents_leaves_them_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    for round in 0..4 {
        let program = Program::start(&data).await;
        // These agents are created at this moment, one after the other and without an answer.
        let mut clients = Vec::new();
        for n in 0..10 {
            clients.push(program.connect(&format!("/agents/test-counter/new-{round}-{n}")).await);
        }
        clients[0].greeting(true).await;
        program.kill();
    }
    let program = Program::start(&data).await;
    for round in 0..4 {
        for n in 0..10 {
            let mut client = program.join(&format!("/agents/test-counter/new-{round}-{n}")).await;
            assert_eq!(client.call("sideEffect", json!([])).await, 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_alarm_rings_after_kill_9() {
    const ALARMS: usize = 6;
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    for round in 0..4 {
        let path = |n: usize| format!("/agents/test-alarm/{round}-{n}");
        let program = Program::start(&data).await;
        let mut clients = Vec::new();
        for n in 0..=ALARMS {
            let mut client = program.connect(&path(n)).await;
            client.greeting(false).await;
            clients.push(client);
        }
        // These are the first writes of these agents. The last alarm is in flight when the process is killed.
        for client in &mut clients[..ALARMS] {
            client.call("remind", json!([1500])).await;
        }
        clients[ALARMS].start_call("remind", json!([1500])).await;
        program.kill();

        let program = Program::start(&data).await;
        for n in 0..ALARMS {
            let mut client = program.connect(&path(n)).await;
            client.greeting(false).await;
            // The alarm is delivered now, or was delivered before.
            assert_eq!(client.json().await["rang"], 1, "{}", path(n));
        }
        // The last alarm was not acknowledged. It is either stored and delivered, or it was never set.
        let mut client = program.connect(&path(ALARMS)).await;
        client.greeting(false).await;
        let asked = client.call("asked", json!([])).await;
        if asked == 1 {
            assert_eq!(client.json().await["rang"], 1);
        }
        program.kill();
    }
}
