//! Values that are dropped with an activation, a turn or a handler. They may use the object, and they may
//! panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use agents::axum::response::IntoResponse;
use agents::bytes::Bytes;
use agents::http::StatusCode;
use agents::limits::Limits;
use agents::object::KeepAwake;
use agents::object::{DurableObject, ObjectContext, Request, Response, WebSocket, WebSocketUpgrade};
use agents::prelude::{Agents, Error, Message, Result};
use agents::testing::{Received, TestConnection, TestHost, TestObject};

use crate::support::{IDLE, Loss, millis};

/// The values that all activations of an object share.
#[derive(Default)]
struct Shared {
    /// `true` if instances panic when they are dropped.
    instances_panic: AtomicBool,
    /// The number of next starts that fail.
    failing_starts: AtomicUsize,
    live: AtomicUsize,
    starts: AtomicUsize,
    /// The number of owners of sent bytes that were dropped.
    dropped: Arc<AtomicUsize>,
}

/// A value that panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// A value that uses the object when it is dropped, as a value does that releases a resource.
struct Using {
    object: ObjectContext,
    _awake: KeepAwake,
}

impl Using {
    fn new(object: &ObjectContext) -> Result<Self> {
        Ok(Self { object: object.clone(), _awake: object.keep_awake("a value")? })
    }
}

impl Drop for Using {
    fn drop(&mut self) {
        // The access works in a turn and is refused outside of one.
        let _ = self.object.storage().get::<u64>("left");
        let _ = self.object.get_web_sockets().count();
    }
}

/// A value that asks the gateway a question when it is dropped.
struct Asking {
    object: ObjectContext,
    socket: WebSocket,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Asking {
    fn drop(&mut self) {
        let _ = self.object.get_web_socket_auto_response_timestamp(&self.socket);
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// An object that follows the messages of its clients.
struct Desk {
    shared: Arc<Shared>,
}

impl Desk {
    fn new(shared: &Arc<Shared>) -> Self {
        assert_eq!(shared.live.fetch_add(1, Ordering::SeqCst), 0, "two instances at once");
        Self { shared: shared.clone() }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.shared.live.fetch_sub(1, Ordering::SeqCst);
        if self.shared.instances_panic.load(Ordering::SeqCst) {
            panic!("an instance is dropped");
        }
    }
}

/// A future whose value is dropped when it completes.
struct Holds<T> {
    _value: T,
}

impl<T: Unpin> Future for Holds<T> {
    type Output = Result<()>;

    fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

/// An error that panics when it is formatted.
#[derive(Debug)]
struct Rude;

impl std::fmt::Display for Rude {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("an error is shown")
    }
}

impl std::error::Error for Rude {}

impl Drop for Rude {
    fn drop(&mut self) {
        panic!("an error is dropped");
    }
}

#[derive(Debug)]
struct Outer(Rude);

impl std::fmt::Display for Outer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("outer")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl DurableObject for Desk {
    async fn start(&mut self, _: &ObjectContext) -> Result<()> {
        self.shared.starts.fetch_add(1, Ordering::SeqCst);
        let failing = &self.shared.failing_starts;
        match failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Err(Error::msg("no start today")),
            Err(_) => Ok(()),
        }
    }

    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        match WebSocketUpgrade::take(&mut request) {
            Some(upgrade) => cx.accept_web_socket(upgrade, ["desk"])?.send("welcome")?,
            None => return Ok("here".into_response()),
        }
        Ok(StatusCode::SWITCHING_PROTOCOLS.into_response())
    }

    async fn web_socket_message(
        &self,
        cx: &ObjectContext,
        socket: &WebSocket,
        message: Message,
    ) -> Result<()> {
        let pending = |value: Box<dyn Send>| async move {
            let _value = value;
            std::future::pending::<Result<()>>().await
        };
        match message.text().unwrap_or_default() {
            // The tasks are undone before they begin, and the messages are not sent.
            "undo by a panic" => {
                cx.spawn(pending(Box::new(Using::new(cx)?)))?;
                cx.spawn(pending(Box::new(Bomb)))?;
                cx.spawn(pending(Box::new(Bomb)))?;
                socket.send(owned(Using::new(cx)?))?;
                panic!("on purpose");
            }
            "undo by an error" => {
                let undone: Result<()> = cx.sql().transaction(|_| {
                    cx.spawn(pending(Box::new(Using::new(cx)?)))?;
                    cx.spawn(pending(Box::new(Bomb)))?;
                    cx.spawn(pending(Box::new(Bomb)))?;
                    socket.send(owned(Using::new(cx)?))?;
                    Err(Error::msg("on purpose"))
                });
                assert!(undone.is_err());
                Ok(())
            }
            // The tasks run, and end with the activation.
            "tasks" => {
                for _ in 0..3 {
                    cx.spawn(pending(Box::new(Bomb)))?;
                    cx.spawn(pending(Box::new(Using::new(cx)?)))?;
                }
                socket.send("begun")
            }
            // The tasks have not begun, and end with the activation.
            "tasks and abort" => {
                for _ in 0..3 {
                    cx.spawn(pending(Box::new(Bomb)))?;
                    cx.spawn(pending(Box::new(Using::new(cx)?)))?;
                }
                socket.send(owned(Bomb))?;
                socket.send(owned(Using::new(cx)?))?;
                Err(cx.abort("on purpose"))
            }
            "owned" => {
                let dropped = self.shared.dropped.clone();
                let asking = Asking { object: cx.clone(), socket: socket.clone(), dropped };
                socket.send(owned(Bomb))?;
                cx.get_web_sockets().send(owned(asking))?;
                socket.send(owned(Bomb))
            }
            "abort" => Err(cx.abort("on purpose")),
            "a bomb at the end" => Holds { _value: Bomb }.await,
            "panic" => panic!("on purpose"),
            "a bomb as panic" => std::panic::panic_any(Bomb),
            "an error" => Err(Outer(Rude).into()),
            text => socket.send(text),
        }
    }

    fn start_failed(_: &ObjectContext, _: &WebSocket, message: &Message, _: &Error) -> Result<()> {
        assert_ne!(message.text(), Some("bad"), "a start has failed");
        Ok(())
    }
}

/// Returns a message that owns a value.
fn owned(value: impl Send + 'static) -> Bytes {
    // The value is never read, so that it need not be shared between threads.
    struct Owner<T> {
        _value: std::sync::Mutex<T>,
    }
    impl<T> AsRef<[u8]> for Owner<T> {
        fn as_ref(&self) -> &[u8] {
            b"owned"
        }
    }
    Bytes::from_owner(Owner { _value: std::sync::Mutex::new(value) })
}

async fn desk() -> (TestHost, TestObject, TestConnection, Arc<Shared>) {
    let shared = Arc::new(Shared::default());
    let theirs = shared.clone();
    let host = TestHost::start(move || {
        let shared = theirs.clone();
        let mut limits = Limits::default();
        // There is one slot, so a slot that is not released blocks the next activation.
        limits.agents_awake = 1;
        Agents::new().limits(limits).register_object_with("desk", move |_| Desk::new(&shared))
    });
    let host = host.expect("the host starts");
    let object = host.object("desk", "one");
    let client = connect(&object).await;
    (host, object, client, shared)
}

async fn connect(object: &TestObject) -> TestConnection {
    let mut client = object.connect("").await;
    assert_eq!(client.next().await.text(), "welcome");
    client
}

async fn told(client: &mut TestConnection, text: &str) -> String {
    client.send(text).await;
    client.next().await.text()
}

async fn closed(client: &mut TestConnection) {
    let end = client.next().await;
    assert!(matches!(end, Received::Close(1011, _)), "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_undone_may_use_the_object_and_may_panic() {
    for how in ["undo by a panic", "undo by an error"] {
        let (host, object, mut client, _) = desk().await;
        client.send(how).await;
        assert_eq!(told(&mut client, "hello").await, "hello", "{how}");
        client.stay(IDLE * 2).await;
        assert!(!object.is_awake(), "{how}: guards and tasks that were undone keep nothing awake");
        drop(host);
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_panics_at_its_drop_makes_room_for_the_next_one() {
    for loss in Loss::ALL {
        let (host, object, mut client, shared) = desk().await;
        shared.instances_panic.store(true, Ordering::SeqCst);
        let host = loss.happen(host, "desk", "one").await;
        assert_eq!(shared.live.load(Ordering::SeqCst), 0, "{loss:?}");
        if loss != Loss::Hibernation {
            client = connect(&object).await;
        }
        assert_eq!(told(&mut client, "hello").await, "hello", "{loss:?}");
        assert_eq!(shared.starts.load(Ordering::SeqCst), 2, "{loss:?}");
        host.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_panics_twice_is_replaced_once() {
    let (_host, _object, mut client, shared) = desk().await;
    shared.instances_panic.store(true, Ordering::SeqCst);
    client.send("panic").await;
    assert_eq!(told(&mut client, "hello").await, "hello");
    assert_eq!(told(&mut client, "hello").await, "hello");
    assert_eq!(shared.starts.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn tasks_that_panic_at_their_drop_end_with_the_life() {
    for how in ["abort", "crash", "restart"] {
        let (mut host, object, mut client, shared) = desk().await;
        assert_eq!(told(&mut client, "tasks").await, "begun");
        match how {
            "abort" => {
                client.send("abort").await;
                closed(&mut client).await;
            }
            "crash" => object.crash().await,
            _ => host = host.restart().await.expect("the host starts again"),
        }
        let mut client = connect(&object).await;
        assert_eq!(told(&mut client, "hello").await, "hello", "{how}");
        assert_eq!(shared.starts.load(Ordering::SeqCst), 2, "{how}");
        client.stay(IDLE * 2).await;
        assert!(!object.is_awake(), "{how}");
        drop(host);
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_not_begun_and_was_not_sent_ends_with_the_life() {
    let (_host, object, mut client, _) = desk().await;
    client.send("tasks and abort").await;
    closed(&mut client).await;
    let mut client = connect(&object).await;
    assert_eq!(told(&mut client, "hello").await, "hello");
}

#[tokio::test(start_paused = true)]
async fn what_owns_sent_bytes_may_use_the_object_and_may_panic() {
    let (_host, object, mut client, shared) = desk().await;
    let mut other = connect(&object).await;
    client.send("owned").await;
    for _ in 0..3 {
        assert_eq!(client.next().await, Received::Binary(b"owned".to_vec()));
    }
    assert_eq!(other.next().await, Received::Binary(b"owned".to_vec()));
    assert_eq!(told(&mut client, "hello").await, "hello");
    assert_eq!(shared.dropped.load(Ordering::SeqCst), 1);
    assert_eq!(shared.starts.load(Ordering::SeqCst), 1, "the activation and its instance continue");
}

#[tokio::test(start_paused = true)]
async fn a_handler_whose_end_panics_has_panicked() {
    for how in ["a bomb at the end", "a bomb as panic"] {
        let (_host, _object, mut client, shared) = desk().await;
        client.send(how).await;
        assert_eq!(told(&mut client, "hello").await, "hello", "{how}");
        assert_eq!(shared.starts.load(Ordering::SeqCst), 2, "{how}: the instance is replaced");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_panics_fails_its_handler_and_no_more() {
    let (_host, _object, mut client, shared) = desk().await;
    client.send("an error").await;
    assert_eq!(told(&mut client, "hello").await, "hello");
    assert_eq!(shared.starts.load(Ordering::SeqCst), 1, "the same activation");
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_failed_start_may_panic() {
    let (host, object, mut client, shared) = desk().await;
    object.hibernate().await.expect("nothing keeps it awake");
    shared.failing_starts.store(2, Ordering::SeqCst);
    client.send("bad").await;
    client.send("bad").await;
    host.advance(millis(10)).await;
    assert_eq!(told(&mut client, "hello").await, "hello");
    assert_eq!(shared.starts.load(Ordering::SeqCst), 4);
}

/// A log whose writer panics once, when a line contains this text.
struct Fragile(&'static str, AtomicBool);

impl std::io::Write for &Fragile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if String::from_utf8_lossy(bytes).contains(self.0) {
            assert!(self.1.swap(true, Ordering::SeqCst), "the log panics");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_life_that_panics_outside_of_its_handlers_ends_all_the_same() {
    // The panic happens while the activation runs, and while it ends.
    for words in ["the instance is replaced", "the object is restarted"] {
        let log = Arc::new(Fragile(words, AtomicBool::new(false)));
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
            .with_writer(log.clone())
            .finish();
        let _log = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
        let (host, object, mut client, shared) = desk().await;
        assert_eq!(told(&mut client, "tasks").await, "begun");
        client.send(if words.starts_with("the instance") { "panic" } else { "abort" }).await;
        closed(&mut client).await;
        assert!(log.1.load(Ordering::SeqCst), "{words}");
        let mut client = connect(&object).await;
        assert_eq!(told(&mut client, "hello").await, "hello", "{words}");
        assert_eq!(shared.starts.load(Ordering::SeqCst), 2, "{words}");
        client.stay(IDLE * 2).await;
        assert!(!object.is_awake(), "{words}");
        assert_eq!(host.host().metrics().awake, 0, "{words}");
    }
}
