//! Work of a viewer that continues after its call: a stored context, a stream, and an exclusive section. None
//! of them allows a write.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agents::prelude::*;
use agents::serde_json::Value;
use agents_tests::{Client, TestServer};
use futures_util::{Stream, stream};

use crate::support::{Tell, line};

#[wire]
#[derive(Clone, Default)]
struct Tally {
    count: i64,
}

struct Lab {
    tell: Tell,
    /// The context that one call stores for others, which a real agent should not do.
    lent: Mutex<Option<Context<Attic>>>,
}

impl Lab {
    fn lent(&self) -> Result<Context<Attic>> {
        let lent = self.lent.lock().expect("no panic").clone();
        lent.ok_or_else(|| Error::msg("nothing was lent"))
    }
}

/// An agent that writes through every context that it finds. None may work for a connection with
/// `?mode=view`.
#[agent(state = Tally, env = Arc<Lab>, strict = true)]
#[derive(Default)]
struct Attic;

/// Tries one write through each kind of handle, and returns the results.
fn writes(cx: &Context<Attic>) -> Vec<&'static str> {
    let object = cx.object().clone();
    let tries = [
        cx.update_state(|tally| tally.count += 1),
        sql!(cx, "CREATE TABLE IF NOT EXISTS rows (n)").map(drop),
        cx.storage().put("key", &1),
        object.storage().put("key", &2),
        object.set_alarm(Duration::from_secs(3600)),
        object.set_web_socket_auto_response("a", "b"),
    ];
    tries.into_iter().map(|done| done.map_or_else(|error| error.code(), |()| "done")).collect()
}

fn ambient() -> Vec<&'static str> {
    agents::current::<Attic>().map_or_else(Vec::new, |cx| writes(&cx))
}

#[agent]
impl Attic {
    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("mode").as_deref() == Some("view")
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, _: Message) -> Result<()> {
        conn.send(&json!(writes(&cx.env().lent()?)))
    }

    #[hook]
    fn on_close(&self, cx: &Context<Self>) {
        cx.env().tell.tell(format!("closed {:?}", writes(cx)));
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _: Request) -> Result<String> {
        Ok(format!("{:?}", writes(&cx.env().lent()?)))
    }

    #[callable]
    fn lend(&self, cx: &Context<Self>) {
        *cx.env().lent.lock().expect("no panic") = Some(cx.clone());
    }

    #[callable]
    fn borrow(&self, cx: &View<Self>) -> Result<Value> {
        Ok(json!(writes(&cx.env().lent()?)))
    }

    /// Returns a stream whose chunks are each made in a turn of its own.
    #[callable]
    fn pieces(&self, cx: &Context<Self>) -> impl Stream<Item = Value> + use<> {
        let cx = cx.clone();
        stream::unfold(0, move |piece| {
            let cx = cx.clone();
            async move {
                tokio::task::yield_now().await;
                (piece < 2).then(|| (json!([writes(&cx), ambient()]), piece + 1))
            }
        })
    }

    #[callable]
    async fn sent_pieces(&self, cx: &Context<Self>, out: &StreamingResponse<Value>) -> Result<()> {
        for _ in 0..2 {
            tokio::task::yield_now().await;
            out.send(json!([writes(cx), ambient()]))?;
        }
        Ok(())
    }

    #[callable]
    async fn alone(&self, cx: &Context<Self>) -> Result<Value> {
        let one = cx.exclusive(async { writes(cx) }).await?;
        let two = cx.object().block_concurrency_while(async {
            tokio::task::yield_now().await;
            Ok([writes(cx), ambient()])
        });
        Ok(json!([one, two.await?]))
    }

    #[callable]
    fn in_a_task(&self, cx: &Context<Self>) -> Result<()> {
        let mine = cx.clone();
        cx.spawn(async move {
            tokio::task::yield_now().await;
            mine.env().tell.tell(format!("task {:?}", writes(&mine)));
        })
    }

    #[callable]
    fn restrict(&self, cx: &View<Self>, id: String, readonly: bool) -> Result<()> {
        cx.connection(&id).ok_or_else(|| Error::msg("no connection has this id"))?.set_readonly(readonly)
    }

    #[callable]
    fn count(&self, cx: &View<Self>) -> Result<i64> {
        Ok(cx.state()?.count)
    }
}

fn all(word: &str) -> Value {
    json!(vec![word; 6])
}

/// Returns the chunks of a streamed answer.
async fn pieces(client: &mut Client, method: &str) -> Vec<Value> {
    client.start_call(method, json!([])).await;
    let mut pieces = Vec::new();
    loop {
        let frame = client.json().await;
        match frame["done"].as_bool() {
            Some(false) => pieces.push(frame["result"].clone()),
            Some(true) => return pieces,
            None => {}
        }
    }
}

#[tokio::test]
async fn s170_s178_what_a_viewer_leaves_behind_writes_nothing() {
    let (tell, mut heard) = line();
    let lab = Arc::new(Lab { tell, lent: Mutex::default() });
    let agents = Agents::new().register::<Attic>().env(lab);
    let server = TestServer::start_resident(agents, "a context that was lent belongs to one life").await;
    let mut editor = server.join("/agents/attic/a?_pk=editor", true).await;
    let mut viewer = server.join("/agents/attic/a?mode=view&_pk=viewer", true).await;
    let refused = all("readonly");
    for method in ["pieces", "sentPieces"] {
        let piece = json!([refused, refused]);
        assert_eq!(pieces(&mut viewer, method).await, [piece.clone(), piece], "{method}");
    }
    assert_eq!(viewer.call("alone", json!([])).await, json!([refused, [refused, refused]]));
    viewer.call("inATask", json!([])).await;
    assert_eq!(heard.next().await, format!("task {:?}", ["readonly"; 6]));

    // The context of the viewer is used in turns of other callers.
    viewer.call("lend", json!([])).await;
    assert_eq!(editor.call("borrow", json!([])).await, refused);
    editor.send("write").await;
    assert_eq!(editor.json().await, refused);
    let over_http = async || {
        let answer = reqwest::get(server.url("/agents/attic/a")).await.expect("an answer");
        answer.text().await.expect("a body")
    };
    assert_eq!(over_http().await, format!("{:?}", ["readonly"; 6]));
    viewer.close(None).await;
    assert_eq!(heard.next().await, format!("closed {:?}", ["readonly"; 6]));
    assert_eq!(editor.call("borrow", json!([])).await, refused, "its connection is over");
    let mut again = server.join("/agents/attic/a?_pk=viewer", true).await;
    assert_eq!(again.call("borrow", json!([])).await, refused, "another connection has the id");
    editor.call("restrict", json!(["viewer", false])).await;
    assert_eq!(again.call("borrow", json!([])).await, refused);
    assert_eq!(editor.call("count", json!([])).await, 0);
    assert_eq!(editor.drain().await, [], "no client was told of a change");

    // The rights of the connection that stored the context apply, with their current value.
    editor.call("lend", json!([])).await;
    assert_eq!(over_http().await, format!("{:?}", ["done"; 6]));
    again.call("restrict", json!(["editor", true])).await;
    assert_eq!(over_http().await, format!("{:?}", ["readonly"; 6]));
    let piece = json!([refused, refused]);
    assert_eq!(pieces(&mut editor, "pieces").await, [piece.clone(), piece]);
    assert_eq!(again.call("count", json!([])).await, 1);
}
