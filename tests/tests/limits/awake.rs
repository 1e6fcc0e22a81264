//! The limit of agents that are awake.

use agents::axum::body::Body;
use agents::http::Request;
use agents::limits::Limit;
use agents_tests::Received;

use crate::support::{Desk, body, hits, host, secs};

#[tokio::test(start_paused = true)]
async fn idle_agents_make_room_at_once() {
    let host = host(|limits| limits.agents_awake = 2);
    let mut clients = Vec::new();
    let start = tokio::time::Instant::now();
    for n in 0..20 {
        let mut client = host.connect(&format!("/agents/desk/{n}")).await;
        client.greeting().await;
        clients.push(client);
        assert!(host.host().metrics().awake <= 2);
    }
    // Without the limit, these agents would be idle for an hour.
    for (n, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.call::<u64>("wait", (0,)).await, 0, "{n}");
        assert!(host.host().metrics().awake <= 2);
    }
    assert!(start.elapsed() < secs(1), "{:?}", start.elapsed());
    assert_eq!(hits(&host, Limit::AgentsAwake), 0);
    assert_eq!(host.host().metrics().connections, 20);
}

#[tokio::test(start_paused = true)]
async fn without_need_no_object_is_pushed_out() {
    let host = host(|limits| limits.agents_awake = 3);
    for n in 0..3 {
        host.connect(&format!("/agents/desk/{n}")).await.greeting().await;
    }
    host.advance(secs(60)).await;
    assert_eq!(host.host().metrics().awake, 3);
}

#[tokio::test(start_paused = true)]
async fn busy_agents_stay_and_those_who_find_no_room_are_told() {
    let host = host(|limits| limits.agents_awake = 2);
    let mut sleeper = host.connect("/agents/desk/sleeper").await;
    sleeper.greeting().await;
    host.agent::<Desk>("sleeper").hibernate().await.expect("nothing keeps it awake");
    let mut busy = Vec::new();
    for name in ["one", "two"] {
        let mut client = host.connect(&format!("/agents/desk/{name}")).await;
        client.greeting().await;
        let id = client.start_call("wait", (15,)).await;
        busy.push((client, id));
    }
    host.advance(secs(1)).await;
    let start = tokio::time::Instant::now();
    let mut late = host.connect("/agents/desk/three").await;
    sleeper.send("hello").await;
    let request = Request::get("/agents/desk/four").body(Body::empty()).expect("a request");
    let answer = host.request(request).await;
    assert_eq!((answer.status().as_u16(), body(answer).await), (503, "server is busy".to_owned()));
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(late.end().await, Received::Close(4503, "server is busy".to_owned()));
    assert_eq!(sleeper.end().await, Received::Close(1013, "server is busy".to_owned()));
    assert!(hits(&host, Limit::AgentsAwake) >= 3);
    // The agents that were awake are not affected, and slots are free when their calls have ended.
    for (client, id) in &mut busy {
        assert_eq!(client.answer(id).await["result"], 15);
    }
    let mut late = host.connect("/agents/desk/three").await;
    late.greeting().await;
    assert_eq!(late.call::<u64>("wait", (0,)).await, 0);
}

#[tokio::test(start_paused = true)]
async fn all_get_their_turn_in_the_order_in_which_they_came() {
    let host = host(|limits| limits.agents_awake = 3);
    let mut clients = Vec::new();
    for n in 0..30 {
        let mut client = host.connect(&format!("/agents/desk/{n}")).await;
        client.greeting().await;
        clients.push(client);
    }
    // Each takes almost a second, three at the same time: the last ones wait for nine times that.
    let mut ids = Vec::new();
    for client in &mut clients {
        ids.push(client.start_call("pause", (950,)).await);
        host.advance(secs(0)).await;
    }
    let start = tokio::time::Instant::now();
    let mut before = 0;
    for (client, id) in clients.iter_mut().zip(&ids) {
        assert_eq!(client.answer(id).await["result"], 950);
        let passed = start.elapsed().as_millis();
        assert!(passed >= before, "out of order");
        before = passed;
    }
    assert!((9_400..9_550).contains(&before), "{before} ms");
    assert_eq!(hits(&host, Limit::AgentsAwake), 0);
}

#[tokio::test(start_paused = true)]
async fn a_host_with_waiting_agents_stops() {
    let host = host(|limits| limits.agents_awake = 1);
    let mut client = host.connect("/agents/desk/one").await;
    client.greeting().await;
    client.start_call("wait", (5,)).await;
    host.advance(secs(1)).await;
    let mut late = host.connect("/agents/desk/two").await;
    host.advance(secs(1)).await;
    let start = tokio::time::Instant::now();
    tokio::join!(host.shutdown(), client.end(), late.end());
    assert!(start.elapsed() < secs(10), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn names_that_sleep_and_have_no_connection_are_forgotten_before_they_are_many() {
    let host = host(|limits| limits.agents_awake = 3);
    let mut stays = host.connect("/agents/desk/stays").await;
    stays.greeting().await;
    let start = tokio::time::Instant::now();
    let mut most = 0;
    for n in 0..4000 {
        let request = Request::get(format!("/agents/desk/{n}")).body(Body::empty()).expect("a request");
        assert_eq!(host.request(request).await.status(), 200);
        most = most.max(host.host().metrics().known);
    }
    assert!((1000..1100).contains(&most), "{most} names were known at a time");
    assert!(start.elapsed() < secs(1), "without time passing: {:?}", start.elapsed());
    assert_eq!(stays.call::<u64>("wait", (0,)).await, 0);
    assert_eq!(host.host().metrics().objects.wakes, 4001 + 1, "their resources are counted");
}
