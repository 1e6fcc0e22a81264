use std::sync::Arc;

use serde_json::json;
use tokio::sync::{Semaphore, TryAcquireError};

use super::*;

struct Bench {
    session: Session,
    space: Arc<Semaphore>,
}

type Reply = oneshot::Receiver<Result<Answer, ClientError>>;

impl Bench {
    fn new() -> Self {
        Self { session: Session::new(Watches::new(8)), space: Arc::new(Semaphore::new(8)) }
    }

    fn permit(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.space).try_acquire_owned().unwrap()
    }

    fn call(&mut self, method: &str) -> (u64, Reply) {
        let (end, reply) = oneshot::channel();
        let space = self.permit();
        (self.session.call(method, "[]", Sink::Once(end), space).unwrap(), reply)
    }

    fn push(&mut self, state: Value) {
        let space = self.permit();
        let text = frame::push_state(&state);
        self.session.push_state(state, text, space).unwrap();
    }

    fn sent(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.session.next_frame())
            .map(|message| message.as_text().unwrap().to_owned())
            .collect()
    }

    fn receive(&mut self, frame: &Value) {
        self.session.receive(&frame.to_string());
    }

    fn state(&self) -> Option<Value> {
        self.session.watches.state.borrow().clone()
    }
}

fn gone() -> Lost {
    Lost::Closed { code: 1012, reason: String::new() }
}

fn state(state: &Value) -> Value {
    json!({ "type": "cf_agent_state", "state": state })
}

fn refusal(error: &str) -> Value {
    json!({ "type": "cf_agent_state_error", "error": error })
}

#[test]
fn a_call_is_answered_by_its_id() {
    let mut bench = Bench::new();
    let (first, mut first_reply) = bench.call("a");
    let (second, mut second_reply) = bench.call("b");
    assert_eq!(bench.sent().len(), 2);
    bench.receive(
        &json!({ "type": "rpc", "id": second.to_string(), "success": true, "done": true, "result": 2 }),
    );
    bench.receive(&json!({ "type": "rpc", "id": first.to_string(), "success": false, "error": "no" }));
    assert_eq!(second_reply.try_recv().unwrap().unwrap().unwrap().get(), "2");
    assert!(matches!(first_reply.try_recv().unwrap(), Err(ClientError::Rpc(text)) if text == "no"));
    assert!(bench.session.pending.is_empty());
}

#[test]
fn a_lost_connection_fails_what_was_sent_and_keeps_what_was_not() {
    let mut bench = Bench::new();
    let (_, mut sent) = bench.call("sent");
    bench.session.opened();
    assert_eq!(bench.sent().len(), 1);
    let (_, mut buffered) = bench.call("buffered");
    bench.session.lost(&gone());
    assert!(matches!(sent.try_recv().unwrap(), Err(ClientError::Disconnected(why)) if why == gone()));
    assert_eq!(buffered.try_recv().unwrap_err(), oneshot::error::TryRecvError::Empty);
    bench.session.opened();
    let frames = bench.sent();
    assert_eq!(frames.len(), 1);
    assert!(frames[0].contains("buffered"));
}

#[test]
fn a_forgotten_call_is_not_sent_and_gives_its_space_back() {
    let mut bench = Bench::new();
    let (id, _reply) = bench.call("a");
    assert_eq!(bench.space.available_permits(), 7);
    bench.session.forget(id);
    assert_eq!(bench.space.available_permits(), 8);
    assert!(bench.sent().is_empty());
    // A call that has been sent is only removed.
    let (id, mut reply) = bench.call("b");
    assert_eq!(bench.sent().len(), 1);
    bench.session.forget(id);
    bench.receive(&json!({ "type": "rpc", "id": id.to_string(), "success": true, "result": 1 }));
    assert_eq!(reply.try_recv().unwrap_err(), oneshot::error::TryRecvError::Closed);
}

#[test]
fn closing_fails_calls_at_once_and_sends_the_rest() {
    let mut bench = Bench::new();
    let (_, mut reply) = bench.call("a");
    let space = bench.permit();
    bench.session.send(Message::from("last"), space).unwrap();
    bench.session.close(CloseFrame::normal());
    assert!(matches!(reply.try_recv().unwrap(), Err(ClientError::Closed)));
    assert_eq!(bench.sent(), ["last"]);
    let space = bench.permit();
    assert!(matches!(bench.session.send(Message::from("late"), space), Err(ClientError::Closed)));
}

#[test]
fn the_end_settles_everything_and_stays() {
    let mut bench = Bench::new();
    let mut status = bench.session.watches.status.subscribe();
    let mut messages = bench.session.watches.messages.subscribe();
    let (_, mut sent) = bench.call("a");
    bench.sent();
    let (_, mut buffered) = bench.call("b");
    let refused = ClientError::Refused { code: 4401, reason: "who".to_owned() };
    bench.session.finish(refused);
    bench.session.finish(ClientError::Closed);
    for reply in [&mut sent, &mut buffered] {
        let error = reply.try_recv().unwrap().unwrap_err();
        assert!(matches!(error, ClientError::Refused { code: 4401, .. }));
    }
    assert!(matches!(&*status.borrow_and_update(), Status::Closed(ClientError::Refused { .. })));
    assert!(status.has_changed().is_err(), "the readers end");
    assert!(matches!(messages.try_recv(), Err(broadcast::error::TryRecvError::Closed)));
    assert_eq!(bench.space.try_acquire_many(8).map(drop), Ok::<(), TryAcquireError>(()));
    let space = bench.permit();
    let late = bench.session.send(Message::from("late"), space);
    assert!(matches!(late, Err(ClientError::Refused { .. })));
}

#[test]
fn streams_get_chunks_then_the_end_and_fail_when_their_reader_lags() {
    let mut bench = Bench::new();
    let (chunks, mut items) = mpsc::channel(1);
    let (end, mut reply) = oneshot::channel();
    let space = bench.permit();
    let id = bench.session.call("ask", "[]", Sink::Stream { chunks, end }, space).unwrap();
    let chunk = json!({ "type": "rpc", "id": id.to_string(), "success": true, "done": false, "result": "x" });
    bench.receive(&chunk);
    assert_eq!(items.try_recv().unwrap().unwrap().get(), "\"x\"");
    bench.receive(&chunk);
    bench.receive(&chunk);
    assert!(matches!(reply.try_recv().unwrap(), Err(ClientError::Lagged(_))));
    assert!(items.try_recv().is_ok(), "the items that were kept can still be read");
    assert!(bench.session.pending.is_empty());
}

#[test]
fn a_stream_on_the_wire_ends_with_its_connection_and_keeps_what_has_come() {
    let mut bench = Bench::new();
    let open = |bench: &mut Bench| {
        let (chunks, items) = mpsc::channel(2);
        let (end, reply) = oneshot::channel();
        let space = bench.permit();
        let id = bench.session.call("ask", "[]", Sink::Stream { chunks, end }, space).unwrap();
        (id, items, reply)
    };
    bench.session.opened();
    let (id, mut items, mut reply) = open(&mut bench);
    assert_eq!(bench.sent().len(), 1);
    let (_, mut later_items, mut later_reply) = open(&mut bench);
    bench.receive(
        &json!({ "type": "rpc", "id": id.to_string(), "success": true, "done": false, "result": "x" }),
    );
    bench.session.lost(&gone());
    assert_eq!(items.try_recv().unwrap().unwrap().get(), "\"x\"");
    assert_eq!(items.try_recv().unwrap_err(), mpsc::error::TryRecvError::Disconnected);
    assert!(matches!(reply.try_recv().unwrap(), Err(ClientError::Disconnected(why)) if why == gone()));
    // A stream that had not been sent is sent over the next connection.
    assert_eq!(later_items.try_recv().unwrap_err(), mpsc::error::TryRecvError::Empty);
    assert_eq!(later_reply.try_recv().unwrap_err(), oneshot::error::TryRecvError::Empty);
    bench.session.opened();
    assert_eq!(bench.sent().len(), 1);
}

#[test]
fn a_state_changes_the_local_copy_and_a_refusal_takes_it_back() {
    let mut bench = Bench::new();
    let mut rejections = bench.session.watches.rejections.subscribe();
    bench.session.opened();
    bench.receive(&state(&json!(1)));
    bench.push(json!(2));
    assert_eq!(bench.state(), Some(json!(2)));
    bench.push(json!(3));
    bench.receive(&refusal("State update rejected"));
    assert_eq!(bench.state(), Some(json!(2)), "the last push counts as rejected");
    bench.push(json!(4));
    bench.push(json!(5));
    bench.receive(&refusal(READONLY));
    assert_eq!(bench.state(), Some(json!(1)), "no push of a read-only connection counts");
    assert_eq!(rejections.try_recv().unwrap(), "State update rejected");
    assert_eq!(rejections.try_recv().unwrap(), READONLY);
}

#[test]
fn a_buffered_state_is_not_undone_by_the_state_that_greets_a_newcomer() {
    let mut bench = Bench::new();
    bench.session.opened();
    bench.receive(&state(&json!("old")));
    bench.session.lost(&gone());
    bench.push(json!("mine"));
    bench.session.opened();
    assert_eq!(bench.sent().len(), 1);
    bench.receive(&state(&json!("old")));
    assert_eq!(bench.state(), Some(json!("mine")));
    bench.receive(&state(&json!("theirs")));
    assert_eq!(bench.state(), Some(json!("theirs")));
}

#[test]
fn a_state_after_the_greeting_counts_though_a_push_went_out_early() {
    let mut bench = Bench::new();
    bench.push(json!("mine"));
    bench.session.opened();
    assert_eq!(bench.sent().len(), 1);
    // The list of MCP servers follows the first frames: they had no state this time.
    bench.receive(&json!({ "type": "cf_agent_mcp_servers", "mcp": {} }));
    bench.receive(&state(&json!("theirs")));
    assert_eq!(bench.state(), Some(json!("theirs")));
}

#[test]
fn a_push_that_was_lost_with_its_connection_gives_way_to_the_truth() {
    let mut bench = Bench::new();
    bench.session.opened();
    bench.receive(&state(&json!("old")));
    bench.push(json!("lost"));
    bench.sent();
    bench.session.lost(&gone());
    bench.session.opened();
    bench.receive(&state(&json!("old")));
    assert_eq!(bench.state(), Some(json!("old")));
}

#[test]
fn the_identity_waits_for_the_state_it_promises() {
    let mut bench = Bench::new();
    let identity = bench.session.watches.identity.subscribe();
    bench.session.opened();
    bench.receive(&json!({ "type": "cf_agent_identity", "name": "n", "agent": "a", "stateFollows": true }));
    assert!(identity.borrow().is_none());
    bench.receive(&state(&Value::Null));
    assert_eq!(identity.borrow().as_ref().unwrap().name, "n");
    assert_eq!(bench.state(), Some(Value::Null), "null is a state");
    bench.session.lost(&gone());
    assert!(identity.borrow().is_none());
    bench.receive(&json!({ "type": "cf_agent_identity", "name": "n", "agent": "a" }));
    assert!(identity.borrow().is_some());
}

#[test]
fn what_ends_a_stream_does_not_outlive_its_connection() {
    let mut bench = Bench::new();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (chunks, _items) = mpsc::channel(1);
        let (end, _result) = oneshot::channel();
        let space = bench.permit();
        ids.push(bench.session.call("ask", "[]", Sink::Stream { chunks, end }, space).unwrap());
    }
    assert_eq!(bench.sent().len(), 2);
    bench.session.forget(ids[0]);
    bench.session.forget(ids[0]);
    assert_eq!(bench.sent(), [frame::cancel(ids[0])], "once");
    bench.session.forget(ids[1]);
    bench.session.lost(&gone());
    bench.session.opened();
    assert!(bench.sent().is_empty());
}
