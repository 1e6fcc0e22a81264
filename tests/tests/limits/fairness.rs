//! New messages and running handlers share the time of an agent.

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

/// The number of times that a handler yields in these tests.
const STEPS: usize = 10;
/// The maximum number of messages that may be handled between two steps of a handler: those of a full round
/// and of the full round before.
const BETWEEN: usize = 2 * 256;

#[wire]
#[derive(Clone)]
struct Passed {
    messages: usize,
}

struct Counts {
    messages: Arc<AtomicUsize>,
    report: mpsc::UnboundedSender<usize>,
}

/// An agent with handlers that yield often.
#[agent(connection = Passed, env = Counts)]
#[derive(Default)]
struct Counter;

/// Yields several times and returns the number of messages that were handled in between.
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
        let (messages, report) = (cx.env().messages.clone(), cx.env().report.clone());
        cx.spawn(async move {
            let _ = report.send(steps(&messages).await);
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_messages_does_not_starve_what_runs() {
    let messages = Arc::new(AtomicUsize::new(0));
    let (report, mut reports) = mpsc::unbounded_channel();
    let count = messages.clone();
    let program = move || {
        let counts = Counts { messages: count.clone(), report: report.clone() };
        let mut limits = Limits::default();
        // All messages in flight fit into the mailbox, so that no other event waits there.
        limits.in_flight_per_connection = 50;
        Agents::new().register::<Counter>().env(counts).limits(limits)
    };
    let host = TestHost::start(program).expect("the host starts");
    // Together the clients send more messages than a round handles.
    for _ in 0..40 {
        let mut flooder = host.connect("/agents/counter/one").await;
        tokio::spawn(async move { while flooder.try_send("x").await {} });
    }
    // Each client sends enough to keep the mailbox from becoming empty.
    while messages.load(Ordering::SeqCst) < 10_000 {
        yield_now().await;
    }
    let mut client = host.connect("/agents/counter/one").await;
    let request = Request::get("/agents/counter/one").body(Body::empty()).expect("a request");
    client.call::<()>("startTask", ()).await;
    let passed = [
        ("a call", client.call("wait", ()).await),
        ("authorize", client.call("letIn", ()).await),
        ("a task", reports.recv().await.expect("the task ends")),
        ("a response", body(host.request(request).await).await.parse().expect("a number")),
    ];
    for (kind, passed) in passed {
        assert!(passed > 0, "{kind}: nothing came meanwhile");
        assert!(passed <= STEPS * BETWEEN, "{kind} waited for {passed} messages");
    }
}
