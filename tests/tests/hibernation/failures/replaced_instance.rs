//! An instance that panicked is replaced while its handlers still run. These tests check the state that they
//! share with the handlers of the new instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use agents::prelude::*;
use agents::testing::{Received, TestConnection, TestHost};
use agents_tests::{Notes, Recorder, recorder};
use tokio::sync::Notify;

use crate::support::{millis, secs};

struct Desk {
    recorder: Recorder,
    go: Notify,
    starts: AtomicUsize,
    /// The number of next starts that panic.
    panicking_starts: AtomicUsize,
}

#[agent(env = Arc<Desk>)]
#[derive(Default)]
struct Shop {
    calls: AtomicUsize,
}

#[agent]
impl Shop {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) {
        let desk = cx.env();
        desk.starts.fetch_add(1, Ordering::SeqCst);
        let panics = &desk.panicking_starts;
        let one_less = panics.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        assert!(one_less.is_err(), "on purpose");
    }

    #[callable(exclusive)]
    async fn alone(&self, cx: &Context<Self>, who: String) {
        cx.env().recorder.note(format!("{who} in"));
        cx.env().go.notified().await;
        cx.env().recorder.note(format!("{who} out"));
    }

    #[callable]
    fn boom(&self) {
        panic!("on purpose");
    }

    /// Returns the number of calls of this instance, and the number of instances so far.
    #[callable]
    fn calls(&self, cx: &Context<Self>) -> (usize, usize) {
        (self.calls.fetch_add(1, Ordering::SeqCst) + 1, cx.env().starts.load(Ordering::SeqCst))
    }

    #[callable]
    async fn numbers(&self, cx: &Context<Self>, out: &StreamingResponse<u32>) -> Result<()> {
        out.send(1)?;
        out.closed().await;
        cx.env().recorder.note("stopped");
        Ok(())
    }

    /// Returns the error codes of nested exclusive work, and of later exclusive work.
    #[callable]
    async fn nested(&self, cx: &Context<Self>) -> Result<Vec<String>> {
        let code = |result: Result<()>| result.err().map_or("fine", |error| error.code()).to_owned();
        let inner = cx.exclusive(async { cx.exclusive(async {}).await }).await?;
        // Two concurrent sections wait for each other.
        let (one, other) = tokio::join!(cx.exclusive(async {}), cx.exclusive(async {}));
        Ok(vec![code(inner), code(one), code(other)])
    }

    #[callable(exclusive)]
    async fn nested_in_a_method(&self, cx: &Context<Self>) -> Result<()> {
        cx.exclusive(async {}).await
    }
}

async fn shop(panicking_starts: usize) -> (TestHost, Arc<Desk>, Notes) {
    let (recorder, notes) = recorder();
    let desk = Arc::new(Desk {
        recorder,
        go: Notify::new(),
        starts: AtomicUsize::new(0),
        panicking_starts: AtomicUsize::new(panicking_starts),
    });
    let env = desk.clone();
    let host = TestHost::start(move || Agents::new().register::<Shop>().env(env.clone()));
    (host.expect("the host starts"), desk, notes)
}

async fn join(host: &TestHost) -> TestConnection {
    let mut client = host.agent::<Shop>("one").connect("").await;
    client.greeting().await;
    client
}

#[tokio::test(start_paused = true)]
async fn exclusive_work_of_a_replaced_instance_still_keeps_others_out() {
    let (host, desk, mut notes) = shop(0).await;
    let mut client = join(&host).await;
    let first = client.start_call("alone", ("first",)).await;
    assert_eq!(notes.next().await, "first in");
    client.call_error("boom", ()).await;
    assert_eq!(client.call::<(usize, usize)>("calls", ()).await, (1, 2), "a new instance");
    let second = client.start_call("alone", ("second",)).await;
    host.advance(secs(5)).await;
    assert!(notes.so_far().is_empty(), "the second call waits");
    desk.go.notify_one();
    client.answer(&first).await;
    assert_eq!([notes.next().await, notes.next().await], ["first out", "second in"]);
    desk.go.notify_one();
    client.answer(&second).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_a_replaced_instance_can_still_be_stopped() {
    let (host, _desk, mut notes) = shop(0).await;
    let mut client = join(&host).await;
    let id = client.start_call("numbers", ()).await;
    assert_eq!(client.json().await["result"], 1);
    client.call_error("boom", ()).await;
    assert_eq!(client.call::<(usize, usize)>("calls", ()).await, (1, 2), "a new instance");
    client.send(json!({ "type": "rpc_cancel", "id": id }).to_string()).await;
    assert_eq!(notes.next().await, "stopped");
}

#[tokio::test(start_paused = true)]
async fn exclusive_work_inside_exclusive_work_is_refused() {
    let (host, _desk, _notes) = shop(0).await;
    let mut client = join(&host).await;
    let codes = client.call::<Vec<String>>("nested", ()).await;
    assert_eq!(codes, ["nested_exclusive", "fine", "fine"]);
    let error = client.call_error("nestedInAMethod", ()).await;
    assert_eq!(error, "exclusive work cannot wait for other exclusive work of the same agent");
    let codes = client.call::<Vec<String>>("nested", ()).await;
    assert_eq!(codes, ["nested_exclusive", "fine", "fine"], "the failed section has released its lock");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_panics_is_followed_by_one_that_stays() {
    let (host, _desk, _notes) = shop(1).await;
    let mut client = host.agent::<Shop>("one").connect("").await;
    let end = client.next().await;
    assert!(matches!(end, Received::Close(4500, _)), "{end:?}");
    let mut client = join(&host).await;
    for call in 1..=3 {
        assert_eq!(client.call::<(usize, usize)>("calls", ()).await, (call, 2));
        host.advance(millis(10)).await;
    }
}
