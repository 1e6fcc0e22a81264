//! Clients that disconnect before their answer: none of their resources stay.

use std::sync::Arc;

use agents::axum::body::Body;
use agents::bytes::Bytes;
use agents::http;
use agents::prelude::*;
use agents::testing::TestHost;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::Notify;

use crate::support::{body, millis, secs};

type Piece = Result<Bytes, std::io::Error>;

/// An agent whose answers are late, long, or never end.
#[agent(env = Arc<Notify>)]
#[derive(Default)]
struct Talker;

#[agent]
impl Talker {
    #[hook]
    async fn on_request(&self, cx: &Context<Self>, request: Request) -> Response {
        let piece = || -> Piece { Ok(Bytes::from_static(b"x")) };
        match request.uri().query() {
            Some("quiet") => {
                let quiet = stream::iter([piece()]).chain(stream::pending());
                Response::new(Body::from_stream(quiet))
            }
            _ => {
                cx.env().notified().await;
                Response::new(Body::from_stream(stream::iter((0..1000).map(move |_| piece()))))
            }
        }
    }

    #[callable]
    fn quiet(&self, first: u32) -> impl Stream<Item = u32> {
        stream::iter([first]).chain(stream::pending())
    }
}

fn get(query: &str) -> http::Request<Body> {
    http::Request::get(format!("/agents/talker/one?{query}")).body(Body::empty()).expect("a request")
}

fn talker() -> (TestHost, Arc<Notify>) {
    let go = Arc::new(Notify::new());
    let env = go.clone();
    let host = TestHost::start(move || Agents::new().register::<Talker>().env(env.clone()));
    (host.expect("the host starts"), go)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_before_a_long_answer_keeps_no_object_awake() {
    let (host, go) = talker();
    assert!(tokio::time::timeout(millis(10), host.request(get("late"))).await.is_err(), "it waits");
    go.notify_one();
    host.advance(secs(60)).await;
    let object = host.agent::<Talker>("one");
    assert!(!object.is_awake(), "{:?}", object.status());
    // A client that stays receives the whole answer.
    go.notify_one();
    assert_eq!(body(host.request(get("late")).await).await.len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_a_quiet_answer_keeps_no_object_awake() {
    let (host, _) = talker();
    let response = host.request(get("quiet")).await;
    let object = host.agent::<Talker>("one");
    host.advance(secs(60)).await;
    assert!(object.is_awake(), "the client still listens");
    drop(response);
    host.advance(secs(60)).await;
    assert!(!object.is_awake(), "{:?}", object.status());
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_a_quiet_stream_keeps_no_object_awake() {
    let (host, _) = talker();
    let object = host.agent::<Talker>("one");
    for leaves in [true, false] {
        let mut client = object.connect("").await;
        client.greeting().await;
        client.start_call("quiet", (7,)).await;
        assert_eq!(client.json().await["result"], 7);
        client.stay(secs(60)).await;
        assert!(object.is_awake(), "the client still listens");
        match leaves {
            true => drop(client.close(None).await),
            // The client disconnects without a close frame.
            false => drop(client),
        }
        host.advance(secs(60)).await;
        assert!(!object.is_awake(), "{:?}", object.status());
    }
}
