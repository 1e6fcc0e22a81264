//! The methods of a class, over real agents.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agents::axum::{Router, serve};
use agents::prelude::*;
use agents_client::{AgentClient, ClientError, Status, StreamExt};
use tokio::net::TcpListener;

#[wire]
#[derive(Clone, Debug, Default, PartialEq)]
struct Board {
    title: String,
    notes: u32,
}

#[wire]
#[derive(Clone, Debug, PartialEq)]
struct Note {
    author_name: String,
    body: String,
}

/// An alias for a result type, as programs have it.
type Answer<T> = Result<T>;

#[agent(state = Board, env = Arc<AtomicUsize>, name = "notice-board")]
#[derive(Default)]
struct Notices;

#[agent]
impl Notices {
    /// Pins a note.
    #[callable]
    async fn pin(&self, cx: &Context<Self>, body: String, author_name: Option<String>) -> Answer<Note> {
        if body.is_empty() {
            return Err(Error::msg("an empty note"));
        }
        cx.update_state(|board| board.notes += 1)?;
        Ok(Note { author_name: author_name.unwrap_or_else(|| "unknown".to_owned()), body })
    }

    /// Returns copies of a text. The type is not a `Result`, and one argument has a default.
    #[callable]
    fn repeat(&self, text: String, #[default = 2] times: usize) -> Vec<String> {
        vec![text; times]
    }

    #[callable]
    fn touch(&self) {}

    #[callable]
    async fn never(&self) {
        std::future::pending().await
    }

    /// Returns a text. The client has a method with the same name.
    #[callable]
    fn status(&self) -> String {
        "fine".to_owned()
    }

    #[deprecated(note = "pin it")]
    #[callable]
    fn r#move(&self, r#in: String) -> String {
        r#in
    }

    /// Takes an argument that threads cannot share.
    #[callable]
    fn shared(&self, text: String, list: std::rc::Rc<Vec<u8>>) -> usize {
        text.len() + list.len()
    }

    #[cfg(test)]
    #[callable]
    #[expect(clippy::too_many_arguments, reason = "more than a tuple of a wire type may have")]
    fn sum(&self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8) -> u32 {
        [a, b, c, d, e, f, g, h, i].map(u32::from).iter().sum()
    }

    #[cfg(any())]
    #[callable]
    fn gone(&self, what: NoSuchType) {}

    #[callable]
    fn letters(&self, out: &StreamingResponse<char>, word: String) -> Result<usize> {
        for letter in word.chars() {
            out.send(letter)?;
        }
        Ok(word.len())
    }

    #[callable]
    fn by_hand(&self, out: &StreamingResponse<Note>) -> Result<()> {
        out.send(Note { author_name: "a".to_owned(), body: "b".to_owned() })?;
        out.end("done".to_owned())
    }

    #[callable]
    fn numbers(&self) -> impl Stream<Item = Result<u32>> + Send + use<> {
        futures_util::stream::iter([Ok(1), Ok(2)])
    }

    /// Streams without end. The environment counts the streams that exist.
    #[callable]
    fn endless(&self, cx: &Context<Self>) -> Result<impl Stream<Item = u32> + Send + use<>> {
        let running = Running::start(cx.env().clone());
        Ok(futures_util::stream::unfold(running, async |running| {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some((1, running))
        }))
    }
}

/// A value that is counted until it is dropped.
struct Running(Arc<AtomicUsize>);

impl Running {
    fn start(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Server {
    _data: tempfile::TempDir,
    _host: agents::Host,
    running: Arc<AtomicUsize>,
    url: String,
}

async fn server() -> Server {
    let data = tempfile::tempdir().unwrap();
    let running = Arc::new(AtomicUsize::new(0));
    let host =
        Agents::new().data_dir(data.path()).env(running.clone()).register::<Notices>().start().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = Router::new().fallback_service(host.service()).into_make_service();
    tokio::spawn(async move { serve(listener, service).await });
    Server { _data: data, _host: host, running, url }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("the test hangs")
}

#[tokio::test]
async fn methods_have_the_types_of_the_class() {
    let server = server().await;
    let board = AgentClient::<Notices>::connect(&server.url, "hall").await.unwrap();
    assert_eq!(soon(board.identity()).await.unwrap().agent, "notice-board");
    let note: Note = soon(board.pin("hi".into(), None)).await.unwrap();
    assert_eq!(note, Note { author_name: "unknown".into(), body: "hi".into() });
    let note = soon(board.pin("hi".into(), Some("ann".into()))).await.unwrap();
    assert_eq!(note.author_name, "ann");
    let error = soon(board.pin(String::new(), None)).await.unwrap_err();
    assert!(matches!(error, ClientError::Rpc(text) if text == "an empty note"));
    assert_eq!(soon(board.repeat("a".into(), None)).await.unwrap(), ["a", "a"]);
    assert_eq!(soon(board.repeat("a".into(), Some(1))).await.unwrap(), ["a"]);
    soon(board.touch()).await.unwrap();
    assert_eq!(soon(board.sum(1, 2, 3, 4, 5, 6, 7, 8, 9)).await.unwrap(), 45);
    #[expect(deprecated, reason = "as it is on the server")]
    let moved = soon(board.r#move("here".into())).await.unwrap();
    assert_eq!(moved, "here");
    // The client's own method comes first; `methods` reaches the method of the agent.
    assert!(matches!(*board.status().borrow(), Status::Open));
    assert_eq!(soon(board.methods().status()).await.unwrap(), "fine");
    let dynamic: Vec<String> = soon(board.dynamic().call("repeat", ("b", 1))).await.unwrap();
    assert_eq!(dynamic, ["b"]);
}

#[tokio::test]
async fn calls_are_futures_that_move_and_have_limits_of_their_own() {
    let server = server().await;
    let board = AgentClient::<Notices>::connect(&server.url, "hall").await.unwrap();
    let call = board.shared("abc".into(), std::rc::Rc::new(vec![1]));
    // The socket stays open as long as a call needs it.
    drop(board);
    assert_eq!(soon(tokio::spawn(call)).await.unwrap().unwrap(), 4);

    let board = AgentClient::<Notices>::builder(&server.url, "hall").connect().await.unwrap();
    let error = soon(board.with_timeout(Duration::from_millis(20)).never()).await.unwrap_err();
    assert!(matches!(error, ClientError::Timeout));
}

#[tokio::test]
async fn the_state_is_watched_and_set_by_its_type() {
    let server = server().await;
    let board = AgentClient::<Notices>::connect(&server.url, "hall").await.unwrap();
    let other = AgentClient::<Notices>::connect(&server.url, "hall").await.unwrap();
    let mut state = board.state();
    assert_eq!(soon(state.changed()).await.unwrap(), Board::default());
    soon(other.identity()).await.unwrap();
    let next = Board { title: "news".into(), notes: 7 };
    other.set_state(&next).await.unwrap();
    assert_eq!(other.state().get().unwrap(), Some(next.clone()));
    assert_eq!(soon(state.wait_for(|board| board.notes == 7)).await.unwrap(), next);
    assert_eq!(soon(state.wait_for(|board| board.notes == 7)).await.unwrap(), next, "a state that was read");
    let mut changes = board.state();
    assert_eq!(soon(changes.next()).await.unwrap().unwrap(), next);
    soon(board.pin("hi".into(), None)).await.unwrap();
    assert_eq!(soon(changes.next()).await.unwrap().unwrap().notes, 8);
    soon(board.close(1000, "")).await.unwrap();
    assert!(soon(changes.next()).await.is_none());
    assert!(matches!(soon(state.wait_for(|board| board.notes == 100)).await, Err(ClientError::Closed)));
}

#[tokio::test]
async fn streams_have_types_for_their_items_and_their_result() {
    let server = server().await;
    let board = AgentClient::<Notices>::connect(&server.url, "hall").await.unwrap();
    let mut letters = soon(board.letters("abc".into())).await.unwrap();
    assert!(matches!(letters.result(), Err(ClientError::StreamOpen)));
    let mut word = String::new();
    while let Some(letter) = soon(letters.next()).await {
        word.push(letter.unwrap());
    }
    assert_eq!((word.as_str(), letters.result().unwrap()), ("abc", 3));

    let mut notes = soon(board.by_hand()).await.unwrap();
    assert_eq!(soon(notes.next()).await.unwrap().unwrap().body, "b");
    let end: serde_json::Value = soon(notes.finish()).await.unwrap();
    assert_eq!(end, "done");

    let numbers = soon(board.numbers()).await.unwrap();
    let numbers: Vec<u32> = soon(numbers.map(Result::unwrap).collect()).await;
    assert_eq!(numbers, [1, 2]);
}

#[tokio::test]
async fn a_stream_that_is_dropped_stops_at_the_agent() {
    let server = server().await;
    let board = AgentClient::<Notices>::connect(&server.url, "hall").await.unwrap();
    let mut endless = soon(board.endless()).await.unwrap();
    assert_eq!(soon(endless.next()).await.unwrap().unwrap(), 1);
    assert_eq!(server.running.load(Ordering::SeqCst), 1);
    drop(endless);
    soon(async {
        while server.running.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    // The connection still works.
    assert_eq!(soon(board.repeat("a".into(), None)).await.unwrap().len(), 2);
}
