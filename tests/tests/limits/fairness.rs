//! New messages and handlers that run already share the time of an agent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use agents::Response;
use agents::axum::body::Body;
use agents::http::Request;
use agents::limits::Limits;
use agents::prelude::*;
use agents::testing::TestHost;
use futures_util::stream;
use tokio::sync::mpsc;
use tokio::task::yield_now;

use crate::support::body;

/// The number of times that a handler gives way in these tests.
const STEPS: usize = 10;
/// The greatest number of messages that may be handled between two of its steps: those of a full round and of
/// the full round before.
const BETWEEN: usize = 2 * 256;

#[wire]
#[derive(Clone)]
struct Passed {
    messages: usize,
}

struct Counts {
    messages: Arc<AtomicUsize>,
    tell: mpsc::UnboundedSender<usize>,
}

/// Has much to do.
#[agent(connection = Passed, env = Counts)]
#[derive(Default)]
struct Counter;

/// Gives way some times and returns how many messages were handled meanwhile.
async fn steps(messages: &AtomicUsize) -> usize {
    let before = messages.load(Ordering::SeqCst);
    for _ in 0..STEPS {
        yield_now().await;
    }
    messages.load(Ordering::SeqCst) - before
}

#[agent]
impl Counter {
    #[hook]
    async fn authorize(&self, cx: &Context<Self>) -> Result<Passed, Refusal> {
        Ok(Passed { messages: steps(&cx.env().messages).await })
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, _message: Message) {
        cx.env().messages.fetch_add(1, Ordering::SeqCst);
    }

    #[hook]
    async fn on_request(&self, cx: &Context<Self>, _request: agents::Request) -> Result<Response> {
        let messages = cx.env().messages.clone();
        let text = stream::once(async move { Ok::<_, std::io::Error>(steps(&messages).await.to_string()) });
        Ok(Response::new(Body::from_stream(text)))
    }

    #[callable]
    async fn wait(&self, cx: &Context<Self>) -> usize {
        steps(&cx.env().messages).await
    }

    #[callable]
    fn let_in(&self, from: &Connection<Self>) -> Result<usize> {
        Ok(from.state()?.messages)
    }

    #[callable]
    fn start_task(&self, cx: &Context<Self>) -> Result<()> {
        let (messages, tell) = (cx.env().messages.clone(), cx.env().tell.clone());
        cx.spawn(async move {
            let _ = tell.send(steps(&messages).await);
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_messages_does_not_starve_what_runs() {
    let messages = Arc::new(AtomicUsize::new(0));
    let (tell, mut told) = mpsc::unbounded_channel();
    let count = messages.clone();
    let program = move || {
        let counts = Counts { messages: count.clone(), tell: tell.clone() };
        let mut limits = Limits::default();
        // All that is in flight fits into the mailbox, so that nothing else waits there.
        limits.in_flight_per_connection = 50;
        Agents::new().register::<Counter>().env(counts).limits(limits)
    };
    let host = TestHost::start(program).expect("the host starts");
    // More than a round takes while each of them sends once.
    for _ in 0..40 {
        let mut flooder = host.connect("/agents/counter/one").await;
        tokio::spawn(async move { while flooder.try_send("x").await {} });
    }
    // Enough for a mailbox that is never empty.
    while messages.load(Ordering::SeqCst) < 10_000 {
        yield_now().await;
    }
    let mut client = host.connect("/agents/counter/one").await;
    let request = Request::get("/agents/counter/one").body(Body::empty()).expect("a request");
    client.call::<()>("startTask", ()).await;
    let passed = [
        ("a call", client.call("wait", ()).await),
        ("authorize", client.call("letIn", ()).await),
        ("a task", told.recv().await.expect("the task ends")),
        ("a response", body(host.request(request).await).await.parse().expect("a number")),
    ];
    for (kind, passed) in passed {
        assert!(passed > 0, "{kind}: nothing came meanwhile");
        assert!(passed <= STEPS * BETWEEN, "{kind} waited for {passed} messages");
    }
}
