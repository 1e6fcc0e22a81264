//! Agents that hibernate or crash after every event. The connected clients do not notice.

use agents::prelude::*;
use agents::serde_json::{self, Value};
use agents::testing::{Received, TestConnection, TestHost};
use agents_tests::{Recorder, recorder};

use crate::support::secs;

#[wire]
#[derive(Clone, Default)]
struct Sum {
    sum: i64,
}

/// An agent that sums numbers in its state, in a table, and for each connection.
#[agent(state = Sum, connection = i64, env = Recorder)]
#[derive(Default)]
struct Adder;

#[agent]
impl Adder {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS numbers (number INTEGER NOT NULL)")?;
        cx.object().set_web_socket_auto_response("ping", "pong")
    }

    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("view").is_some()
    }

    #[hook]
    fn on_alarm(&self, cx: &Context<Self>) {
        cx.env().note(cx.now());
    }

    #[callable]
    fn add(&self, cx: &Context<Self>, conn: &Connection<Self>, number: i64) -> Result<(i64, i64, i64)> {
        let sum = cx.update_state(|state| {
            state.sum += number;
            state.sum
        })?;
        sql!(cx, "INSERT INTO numbers (number) VALUES ({number})")?;
        let rows: Vec<i64> = sql!(cx, "SELECT sum(number) FROM numbers")?;
        let own = conn.try_state()?.as_deref().copied().unwrap_or_default() + number;
        conn.set_state(own)?;
        Ok((sum, rows[0], own))
    }

    #[callable]
    fn wake_me_in(&self, cx: &Context<Self>, seconds: u64) -> Result<u64> {
        let at = cx.now() + seconds * 1000;
        cx.object().set_alarm(secs(seconds))?;
        Ok(at)
    }
}

async fn join(host: &TestHost, query: &str) -> TestConnection {
    let mut client = host.agent::<Adder>("one").connect(query).await;
    client.greeting().await;
    client
}

// S63, S67-S72, S160
#[tokio::test(start_paused = true)]
async fn no_connected_client_notices() {
    for seed in 0..12 {
        let (recorder, mut notes) = recorder();
        let host = TestHost::chaos(seed, move || Agents::new().register::<Adder>().env(recorder.clone()));
        let host = host.unwrap();
        let mut clients = [join(&host, "_pk=a").await, join(&host, "_pk=b").await];
        let mut viewer = join(&host, "view").await;
        let (mut sum, mut own) = (0, [0, 0]);
        let mut sums = Vec::new();
        for round in 1..=20_i64 {
            let who = usize::try_from((round * 7 + i64::try_from(seed).unwrap()) % 2).unwrap();
            sum += round;
            own[who] += round;
            sums.push(sum);
            let got: (i64, i64, i64) = clients[who].call("add", (round,)).await;
            assert_eq!(got, (sum, sum, own[who]), "seed {seed}, round {round}");
            assert_eq!(viewer.call_error("add", (1,)).await, "Connection is readonly");
            viewer.send("ping").await;
        }
        let at: u64 = clients[0].call("wakeMeIn", (30,)).await;
        // Every state arrived once and in order, and every ping was answered.
        let frames = viewer.drain().await;
        let pongs = frames.iter().filter(|frame| **frame == Received::Text("pong".into()));
        assert_eq!(pongs.count(), 20, "seed {seed}");
        let states = frames.into_iter().map(|frame| frame.text()).filter(|text| text != "pong");
        let states: Vec<_> = states
            .map(|text| serde_json::from_str::<Value>(&text).unwrap()["state"]["sum"].as_i64())
            .collect();
        assert_eq!(states, sums.into_iter().map(Some).collect::<Vec<_>>(), "seed {seed}");
        host.advance(secs(40)).await;
        let rang = notes.so_far();
        assert_eq!(rang.len(), 1, "seed {seed}: {rang:?}");
        assert!(rang[0].as_u64().unwrap() - at < 20, "seed {seed}");
        let metrics = host.agent::<Adder>("one").status().unwrap().metrics;
        assert!(metrics.wakes >= 40, "seed {seed}: {} wakes", metrics.wakes);
    }
}

// S73
#[tokio::test(start_paused = true)]
async fn a_seed_gives_the_same_each_time() {
    let mut wakes = Vec::new();
    for _ in 0..2 {
        let (recorder, _notes) = recorder();
        let host =
            TestHost::chaos(5, move || Agents::new().register::<Adder>().env(recorder.clone())).unwrap();
        let mut client = join(&host, "").await;
        for number in 0..10 {
            client.call::<(i64, i64, i64)>("add", (number,)).await;
        }
        wakes.push(host.agent::<Adder>("one").status().unwrap().metrics.wakes);
    }
    assert_eq!(wakes[0], wakes[1]);
}
