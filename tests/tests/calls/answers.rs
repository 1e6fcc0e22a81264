//! The results and errors of calls between agents.

use agents::prelude::*;
use agents::serde_json::Value;
use futures_util::StreamExt;

use crate::support::{Mean, Peer, host};

#[tokio::test(start_paused = true)]
async fn x10_an_agent_calls_another_one_which_wakes_for_it() {
    let (host, _levers) = host();
    let mut client = host.connect("/agents/peer/a").await;
    assert_eq!(client.call::<u32>("forward", ("b", "add", 2)).await, 2);
    assert_eq!(client.call::<u32>("forward", ("b", "add", 3)).await, 5);
    assert_eq!(client.call::<u32>("count", ()).await, 0);
    let b = host.agent::<Peer>("b");
    b.hibernate().await.expect("nothing keeps it awake");
    assert_eq!(client.call::<u32>("forward", ("b", "add", 1)).await, 6);
    let mut client = host.connect("/agents/peer/b").await;
    assert_eq!(client.call::<u32>("count", ()).await, 6);
}

#[tokio::test(start_paused = true)]
async fn x13_the_program_calls_agents() {
    let (host, _levers) = host();
    let peer = host.host().get::<Peer>("a b");
    assert_eq!(peer.name(), "a%20b");
    assert_eq!(peer.call::<u32>("add", (4,)).await.unwrap(), 4);
    assert_eq!(peer.call::<String>("origin", ()).await.unwrap(), "host unconnected");
    // The stub and the address lead to the same agent.
    let mut client = host.connect("/agents/peer/a%20b").await;
    assert_eq!(client.call::<u32>("count", ()).await, 4);
}

#[tokio::test(start_paused = true)]
async fn s135_no_connection_crosses_over() {
    let (host, _levers) = host();
    let mut client = host.connect("/agents/peer/a").await;
    assert_eq!(client.call::<String>("origin", ()).await, "client connected");
    assert_eq!(client.call::<String>("forwardOrigin", ("b",)).await, "peer/a unconnected");
    let peer = host.host().get::<Peer>("a");
    assert_eq!(peer.call::<()>("needsConnection", ()).await.unwrap_err().code(), "no_connection");
    // Rights apply to clients only.
    assert_eq!(client.call_error("needsRight", ()).await, "Insufficient permissions");
    assert_eq!(peer.call::<u32>("needsRight", ()).await.unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn errors_cross_as_clients_read_them() {
    let (host, _levers) = host();
    let mut client = host.connect("/agents/peer/a").await;
    let (code, text): (String, String) = client.call("forwardFails", ("b", true)).await;
    assert_eq!((&*code, &*text), ("out_of_paper", "no more paper"));
    let (code, text): (String, String) = client.call("forwardFails", ("b", false)).await;
    assert_eq!(code, "internal");
    assert!(text.starts_with("Internal error (id ") && !text.contains("secret"), "{text}");

    let peer = host.host().get::<Peer>("b");
    let code =
        async |method: &str, arguments: Value| peer.call::<u32>(method, arguments).await.unwrap_err().code();
    assert_eq!(code("nothing", json!([])).await, "unknown_method");
    assert_eq!(code("add", json!(["x"])).await, "invalid_argument");
    assert_eq!(code("add", json!({ "by": 1 })).await, "invalid_argument");
    assert_eq!(code("origin", json!([])).await, "invalid_answer");
    let error = peer.call::<()>("panics", ()).await.unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
    assert_eq!(peer.call::<u32>("add", (1,)).await.unwrap(), 1, "the agent still answers");
    let error = host.host().get::<Peer>("never-starts").call::<u32>("add", (1,)).await.unwrap_err();
    assert_eq!((error.code(), error.to_string()), ("not_started", "out of order".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_number_that_json_lacks_is_the_error_of_its_writer() {
    let (host, _levers) = host();
    let peer = host.host().get::<Peer>("a");
    let fails = |error: Error| {
        assert_eq!(error.code(), "not_json");
        // The position inside the value is for the log of the callee only.
        assert!(error.to_string().starts_with("Internal error (id "), "{error}");
    };
    fails(peer.mean(Vec::new()).await.unwrap_err());
    fails(peer.call::<Value>("mean", (json!([]),)).await.unwrap_err());
    fails(peer.forward_mean("b".into(), Vec::new()).await.unwrap_err());
    assert_eq!(peer.forward_mean("b".into(), vec![1.0, 2.0]).await.unwrap(), Mean { values: vec![1.5] });

    let mut means = peer.means(Vec::new()).await.unwrap();
    assert_eq!(means.next().await.unwrap().unwrap(), Mean { values: vec![1.0] });
    fails(means.next().await.unwrap().unwrap_err());
    let mut means = peer.two_means(Vec::new(), vec![1.0]).await.unwrap();
    fails(means.next().await.unwrap().unwrap_err());
    let mut means = peer.two_means(vec![1.0], Vec::new()).await.unwrap();
    assert_eq!(means.next().await.unwrap().unwrap(), Mean { values: vec![1.0] });
    fails(means.next().await.unwrap().unwrap_err());

    // The caller writes the argument, so the caller gets the position.
    let typed = peer.mean(vec![1.0, f64::NAN]).await.unwrap_err();
    let plain = peer.call::<Value>("mean", (vec![1.0, f64::NAN],)).await.unwrap_err();
    assert_eq!((typed.code(), plain.code()), ("not_json", "not_json"));
    assert_eq!(typed.to_string(), "`[1]`: JSON has no number NaN");
    assert_eq!(plain.to_string(), "`[0][1]`: JSON has no number NaN");
}

#[tokio::test(start_paused = true)]
async fn a_name_or_class_that_is_none_is_told() {
    #[agent]
    #[derive(Default)]
    struct Stranger;

    #[agent]
    impl Stranger {}

    let (host, _levers) = host();
    let error = host.host().get::<Stranger>("a").call::<()>("x", ()).await.unwrap_err();
    assert_eq!(error.code(), "unknown_agent");
    for name in ["", "..", &"x".repeat(2_000)] {
        let error = host.host().get::<Peer>(name).call::<u32>("add", (1,)).await.unwrap_err();
        assert_eq!(error.code(), "unknown_agent", "{name:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_calls_at_once_are_all_answered() {
    let (host, _levers) = host();
    let mut callers = Vec::new();
    for n in 0..1_000_u32 {
        let stub = host.host().get::<Peer>(format!("caller-{}", n % 10));
        callers.push(stub.call::<u32>("forward", ("shared", "add", 1)));
    }
    let mut counts =
        futures_util::future::join_all(callers).await.into_iter().map(Result::unwrap).collect::<Vec<_>>();
    counts.sort_unstable();
    assert_eq!(counts, (1..=1_000).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn x10_the_methods_of_another_agent_are_typed() {
    let (host, _levers) = host();
    let peer = host.host().get::<Peer>("a");
    assert_eq!(peer.add(2).await.unwrap(), 2);
    assert_eq!(peer.forward("b".into(), "add".into(), 5).await.unwrap(), 5);
    let sum: u32 = peer.methods().count().await.unwrap();
    assert_eq!(sum, 2);
    let mut pieces = peer.spoken(2).await.unwrap();
    assert_eq!(pieces.next().await.unwrap().unwrap(), 0);
    assert_eq!(pieces.next().await.unwrap().unwrap(), 1);
    assert!(pieces.next().await.is_none());
    let said: String = pieces.result().unwrap();
    assert_eq!(said, "said");
    assert_eq!(peer.fails(true).await.unwrap_err().code(), "out_of_paper");
}

#[tokio::test(start_paused = true)]
async fn x10_an_internal_method_is_for_agents_and_the_program() {
    let (host, _levers) = host();
    let peer = host.host().get::<Peer>("a");
    peer.add(3).await.unwrap();
    assert_eq!(peer.double().await.unwrap(), 6);
    let mut client = host.connect("/agents/peer/a").await;
    assert_eq!(client.call_error("double", ()).await, "Method double is not callable");
    assert_eq!(host.connect("/agents/peer/b").await.call::<u32>("doubleOther", ("a",)).await, 12);
    let types = crate::support::program(&Default::default()).typescript().unwrap();
    assert!(types.as_str().contains("doubleOther(") && !types.as_str().contains("double("));
}
