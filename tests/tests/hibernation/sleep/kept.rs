//! Data that an agent keeps after it lost its memory: by hibernation, by a crash, and in a new process.

use agents::prelude::*;
use agents::serde_json::Value;
use agents::testing::{Received, TestConnection, TestHost};
use agents_tests::{Notes, Recorder, recorder, since_1970};

use crate::support::{Loss, secs};

const REFUSED: &str = r#"{"type":"cf_agent_state_error","error":"Connection is readonly"}"#;

#[wire]
#[derive(Clone, Default)]
struct Count {
    count: i64,
}

/// An agent that stores data in every possible place. A client with `view` is read-only, and `quiet` gets no
/// protocol frames.
#[agent(state = Count, connection = Value, env = Recorder)]
#[derive(Default)]
struct Keeper;

#[agent]
impl Keeper {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS notes (what TEXT NOT NULL)")?;
        Ok(())
    }

    #[hook]
    fn connection_tags(&self, req: &ConnectRequest) -> Vec<String> {
        let tags = req.query("tags").unwrap_or_default();
        tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
    }

    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("view").is_some()
    }

    #[hook]
    fn should_send_protocol_messages(&self, req: &ConnectRequest) -> bool {
        req.query("quiet").is_none()
    }

    #[hook]
    fn on_alarm(&self, cx: &Context<Self>) {
        cx.env().note("alarm");
    }

    #[callable]
    fn fill(&self, cx: &Context<Self>) -> Result<()> {
        cx.set_state(Count { count: 7 })?;
        sql!(cx, "INSERT INTO notes (what) VALUES ('a row')")?;
        cx.storage().put("key", &"a value".to_owned())?;
        cx.object().set_alarm(secs(3600))
    }

    #[callable]
    fn stored(&self, cx: &Context<Self>) -> Result<Value> {
        let notes: Vec<String> = sql!(cx, "SELECT what FROM notes")?;
        let key = cx.storage().get::<String>("key")?;
        let alarm = cx.object().get_alarm()?.map(since_1970);
        Ok(json!({ "count": cx.state()?.count, "notes": notes, "key": key, "alarm": alarm }))
    }

    #[callable]
    fn increment(&self, cx: &Context<Self>) -> Result<i64> {
        cx.update_state(|state| {
            state.count += 1;
            state.count
        })
    }

    #[callable]
    fn keep(&self, conn: &Connection<Self>, value: Value) -> Result<()> {
        conn.set_state(value)
    }

    #[callable]
    fn set_readonly(&self, conn: &Connection<Self>, readonly: bool) -> Result<()> {
        conn.set_readonly(readonly)
    }

    #[callable]
    fn everyone(&self, cx: &Context<Self>) -> Result<Vec<Value>> {
        cx.connections().map(|conn| describe(&conn)).collect()
    }

    #[callable]
    fn tagged(&self, cx: &Context<Self>, tag: String) -> Vec<String> {
        cx.connections_tagged(&tag).map(|conn| conn.id().to_owned()).collect()
    }
}

fn describe(conn: &Connection<Keeper>) -> Result<Value> {
    Ok(json!({
        "id": conn.id(),
        "uri": conn.uri(),
        "tags": conn.tags(),
        "readonly": conn.is_readonly(),
        "protocol": conn.is_protocol_enabled(),
        "state": conn.try_state()?,
    }))
}

fn keeper() -> (TestHost, Notes) {
    let (recorder, notes) = recorder();
    let host = TestHost::start(move || Agents::new().register::<Keeper>().env(recorder.clone()));
    (host.expect("the host starts"), notes)
}

/// All four combinations of the two flags.
const FLAGS: [(&str, bool, bool); 4] =
    [("plain", false, false), ("view", true, false), ("quiet", false, true), ("view&quiet", true, true)];

async fn everybody(host: &TestHost) -> Vec<TestConnection> {
    let mut clients = Vec::new();
    for (index, (query, _, quiet)) in FLAGS.iter().enumerate() {
        let object = host.agent::<Keeper>("one");
        let mut client = object.connect(&format!("_pk=c{index}&tags=all,t{index}&{query}")).await;
        if !quiet {
            client.greeting().await;
        }
        clients.push(client);
    }
    clients
}

// S69, S71, S104, S105
#[tokio::test(start_paused = true)]
async fn what_is_stored_outlives_every_loss_of_memory() {
    for loss in Loss::ALL {
        let (host, mut notes) = keeper();
        let mut client = host.agent::<Keeper>("one").connect("").await;
        client.greeting().await;
        client.call::<()>("fill", ()).await;
        let before: Value = client.call("stored", ()).await;
        assert_eq!(before["alarm"], host.now() + 3_600_000);

        let host = loss.happen(host, "keeper", "one").await;
        let mut client = match loss {
            Loss::Hibernation => client,
            Loss::Crash | Loss::Restart => host.agent::<Keeper>("one").connect("").await,
        };
        if loss != Loss::Hibernation {
            assert_eq!(client.greeting().await, Some(json!({ "count": 7 })));
        }
        assert_eq!(client.call::<Value>("stored", ()).await, before, "{loss:?}");
        assert_eq!(client.call::<i64>("increment", ()).await, 8);
        drop(client);
        host.advance(secs(3_590)).await;
        assert!(notes.so_far().is_empty(), "{loss:?}");
        host.advance(secs(20)).await;
        assert_eq!(notes.so_far(), ["alarm"], "{loss:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_stays_connected_while_days_pass() {
    let (host, _notes) = keeper();
    let mut client = host.agent::<Keeper>("one").connect("").await;
    client.greeting().await;
    let mut other = host.connect("/agents/keeper/one").await;
    other.greeting().await;
    host.advance(secs(3 * 86_400)).await;
    assert_eq!(client.call::<i64>("increment", ()).await, 1);
    host.advance(secs(3 * 86_400)).await;
    // A frame that arrived in the meantime was buffered.
    assert_eq!(other.json().await["state"], json!({ "count": 1 }));
    assert_eq!(other.call::<i64>("increment", ()).await, 2);
    // A client that does not answer pings is disconnected.
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(client.end().await, Received::Dropped);
    // Time also passes for a host without clients.
    drop((client, other));
    host.advance(secs(86_400)).await;
}

// S25, S67, S70, S72, S163
#[tokio::test(start_paused = true)]
async fn a_connection_is_after_sleep_what_it_was_before() {
    let (host, _notes) = keeper();
    let object = host.agent::<Keeper>("one");
    let mut clients = everybody(&host).await;
    for (index, client) in clients.iter_mut().enumerate() {
        client.call::<()>("keep", (json!({ "number": index, "deep": [null, "é"] }),)).await;
    }
    let before: Vec<Value> = clients[0].call("everyone", ()).await;
    let outside = object.connections();
    for (index, (query, readonly, quiet)) in FLAGS.iter().enumerate() {
        let expected = json!({
            "id": format!("c{index}"),
            "uri": format!("/agents/keeper/one?_pk=c{index}&tags=all,t{index}&{query}"),
            "tags": [format!("c{index}"), "all", format!("t{index}")],
            "readonly": readonly,
            "protocol": !quiet,
            "state": { "number": index, "deep": [null, "é"] },
        });
        assert_eq!(before[index], expected);
        assert_eq!(outside[index].attachment, Some(expected["state"].clone()));
    }
    object.hibernate().await.unwrap();
    assert_eq!(object.connections(), outside, "asleep");
    for client in &mut clients {
        object.hibernate().await.unwrap();
        assert_eq!(client.call::<Vec<Value>>("everyone", ()).await, before);
    }
    assert_eq!(object.connections(), outside);
    object.hibernate().await.unwrap();
    assert_eq!(clients[3].call::<Vec<String>>("tagged", ("t1",)).await, ["c1"]);
    assert_eq!(clients[3].call::<Vec<String>>("tagged", ("all",)).await, ["c0", "c1", "c2", "c3"]);
}

// S94, S95, S117, S128, S160, S163
#[tokio::test(start_paused = true)]
async fn flags_hold_from_the_first_event_after_sleep() {
    let (host, _notes) = keeper();
    let object = host.agent::<Keeper>("one");
    let mut clients = everybody(&host).await;
    let mut count = 0;
    let mut seen: Vec<Vec<Received>> = vec![Vec::new(); 4];
    for (index, (query, readonly, _)) in FLAGS.iter().enumerate() {
        seen[index].extend(clients[index].drain().await);
        // A push is the event that wakes the agent.
        object.hibernate().await.unwrap();
        let next = count + 10;
        let push = json!({ "type": "cf_agent_state", "state": { "count": next } });
        clients[index].send(push.to_string()).await;
        if *readonly {
            assert_eq!(clients[index].next().await.text(), REFUSED, "{query}");
        } else {
            assert_eq!(clients[index].drain().await, [], "{query}");
            count = next;
        }
        // A call is the event that wakes the agent.
        object.hibernate().await.unwrap();
        if *readonly {
            assert_eq!(clients[index].call_error("increment", ()).await, "Connection is readonly", "{query}");
        } else {
            count += 1;
            assert_eq!(clients[index].call::<i64>("increment", ()).await, count, "{query}");
        }
    }
    // Four changes: two pushes, each sent to the other client with protocol frames, and two calls.
    let mut counts = Vec::new();
    for (client, seen) in clients.iter_mut().zip(seen) {
        let frames = seen.into_iter().chain(client.drain().await);
        let counts_seen = frames.map(|frame| frame.json()["state"]["count"].as_i64().unwrap());
        counts.push(counts_seen.collect::<Vec<_>>());
    }
    assert_eq!(counts, [vec![11, 21, 22], vec![10, 11, 21, 22], vec![], vec![]], "no push is echoed");
}

// S127, S128
#[tokio::test(start_paused = true)]
async fn a_flag_that_was_changed_stays_changed() {
    let (host, _notes) = keeper();
    let object = host.agent::<Keeper>("one");
    let mut client = object.connect("view").await;
    client.greeting().await;
    for readonly in [false, true, false] {
        client.call::<()>("setReadonly", (readonly,)).await;
        object.hibernate().await.unwrap();
        assert_eq!(client.call_frame("increment", ()).await["success"], !readonly);
    }
}

// S161, S162, S163
#[tokio::test(start_paused = true)]
async fn no_value_of_a_user_touches_a_flag_over_sleep() {
    let (host, _notes) = keeper();
    let object = host.agent::<Keeper>("one");
    let mut clients = everybody(&host).await;
    let values = [
        json!({ "readonly": true, "_cf_readonly": false, "_cf_no_protocol": true, "__pk": {}, "flags": 3 }),
        json!(null),
        json!(false),
        json!(""),
        json!("\u{1}\u{3}"),
        json!([]),
    ];
    for value in values {
        for (index, client) in clients.iter_mut().enumerate() {
            client.call::<()>("keep", (&value,)).await;
            object.hibernate().await.unwrap();
            let all: Vec<Value> = client.call("everyone", ()).await;
            let (_, readonly, quiet) = FLAGS[index];
            assert_eq!(all[index]["readonly"], readonly, "{value}");
            assert_eq!(all[index]["protocol"], !quiet, "{value}");
            assert_eq!(all[index]["state"], value, "the state is unchanged");
        }
    }
}

// S62, S164
#[tokio::test(start_paused = true)]
async fn a_crash_and_a_restart_end_connections_and_what_was_kept_for_them() {
    for (loss, code) in [(Loss::Crash, 1011), (Loss::Restart, 1001)] {
        let (host, _notes) = keeper();
        let mut client = host.agent::<Keeper>("one").connect("_pk=me&view").await;
        client.greeting().await;
        client.call::<()>("keep", ("mine",)).await;
        let host = loss.happen(host, "keeper", "one").await;
        let end = client.end().await;
        assert!(matches!(end, Received::Close(got, _) if got == code), "{loss:?}: {end:?}");
        let object = host.agent::<Keeper>("one");
        host.advance(secs(1)).await;
        assert_eq!(object.connections(), []);
        let mut again = object.connect("_pk=me").await;
        again.greeting().await;
        let all: Vec<Value> = again.call("everyone", ()).await;
        assert_eq!((all.len(), &all[0]["state"], &all[0]["readonly"]), (1, &json!(null), &json!(false)));
    }
}

// S159, S165
#[tokio::test(start_paused = true)]
async fn a_refused_write_costs_no_statement() {
    let (host, _notes) = keeper();
    let object = host.agent::<Keeper>("one");
    let mut client = object.connect("view").await;
    client.greeting().await;
    client.call_error("increment", ()).await;
    let before = object.status().unwrap().metrics;
    let push = json!({ "type": "cf_agent_state", "state": { "count": 1 } });
    for _ in 0..10 {
        client.send(push.to_string()).await;
        assert_eq!(client.next().await.text(), REFUSED);
    }
    let after = object.status().unwrap().metrics;
    assert_eq!(
        (after.rows_read, after.rows_written, after.commits),
        (before.rows_read, before.rows_written, before.commits)
    );
    assert_eq!(after.frames_in, before.frames_in + 10);
}

/// An agent whose start reads no data.
#[agent(state = Count)]
#[derive(Default)]
struct Lazy;

#[agent]
impl Lazy {
    #[callable]
    fn touch(&self) {}

    #[callable]
    fn count(&self, cx: &View<Self>) -> Result<i64> {
        Ok(cx.state()?.count)
    }
}

// S102
#[tokio::test(start_paused = true)]
async fn a_state_is_read_when_it_is_asked_for() {
    let host = TestHost::start(|| Agents::new().register::<Lazy>()).expect("the host starts");
    let object = host.agent::<Lazy>("one");
    let mut client = object.connect("").await;
    client.greeting().await;
    let rows_read = || object.status().expect("it is known").metrics.rows_read;
    for _ in 0..2 {
        object.hibernate().await.unwrap();
        let before = rows_read();
        client.call::<()>("touch", ()).await;
        assert_eq!(rows_read(), before, "a wake reads no state");
        assert_eq!(client.call::<i64>("count", ()).await, 0);
        assert!(rows_read() > before);
    }
}
