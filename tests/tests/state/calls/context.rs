//! The caller of a call: the context follows the call across awaits, into helpers, joined futures and tasks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agents::prelude::*;
use agents::serde_json::Value;
use agents_tests::TestServer;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, oneshot};

use crate::support::{Heard, Tell, changed, line};

#[wire]
#[derive(Clone, Default)]
struct Tally {
    count: i64,
}

struct Lab {
    tell: Tell,
    go: Arc<Notify>,
    /// The context that one agent stores for others, which a real agent should not do.
    lent: Mutex<Option<Context<Rig>>>,
}

/// An agent that changes its state in every possible way. None of them may work for a connection with
/// `?mode=view`.
#[agent(state = Tally, env = Lab)]
#[derive(Default)]
struct Rig;

fn add(cx: &Context<Rig>) -> Result<i64> {
    cx.update_state(|tally| {
        tally.count += 1;
        tally.count
    })
}

/// Uses the current context without any argument.
fn ambient() -> Result<i64> {
    add(&agents::current::<Rig>().ok_or_else(|| Error::msg("no context"))?)
}

fn ambient_caller() -> Option<String> {
    let cx = agents::current::<Rig>()?;
    cx.caller().map(|conn| conn.id().to_owned())
}

async fn deep(levels: u32) -> Option<String> {
    tokio::task::yield_now().await;
    match levels {
        0 => ambient_caller(),
        _ => Box::pin(deep(levels - 1)).await,
    }
}

#[agent]
impl Rig {
    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("mode").as_deref() == Some("view")
    }

    #[hook]
    fn on_message(&self, conn: &Connection<Self>, _: Message) -> Result<()> {
        conn.send(ambient_caller().unwrap_or_default())
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _: Request) -> Result<String> {
        let count = ambient()?;
        Ok(format!("{count} {:?} {:?}", cx.caller().map(|conn| conn.id().to_owned()), ambient_caller()))
    }

    #[hook]
    fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) {
        cx.env().tell.tell(format!("{}: {}", error.error().code(), error.error()));
    }

    #[callable]
    async fn after_await(&self, cx: &Context<Self>) -> Result<i64> {
        cx.env().tell.tell("waiting");
        cx.env().go.notified().await;
        add(cx)
    }

    #[callable]
    fn in_helper(&self) -> Result<i64> {
        ambient()
    }

    #[callable]
    async fn ambient_after_await(&self, cx: &View<Self>) -> Result<i64> {
        cx.env().tell.tell("waiting");
        cx.env().go.notified().await;
        ambient()
    }

    #[callable]
    async fn joined(&self, cx: &Context<Self>) -> Result<Vec<String>> {
        let one = async {
            tokio::task::yield_now().await;
            ambient().map_err(|error| error.to_string())
        };
        let two = async {
            let cx = cx.clone();
            tokio::task::yield_now().await;
            add(&cx).map_err(|error| error.to_string())
        };
        let (one, two) = futures_util::join!(one, two);
        Ok([one, two].map(|result| result.map_or_else(|error| error, |_| "added".to_owned())).to_vec())
    }

    /// Polls several futures of one call in any order, and one in a `select!`.
    #[callable]
    async fn selected(&self, cx: &Context<Self>) -> Vec<String> {
        let one = async |yields: u32| {
            for _ in 0..yields {
                tokio::task::yield_now().await;
            }
            let caller = ambient_caller().unwrap_or_default();
            ambient().map_or_else(|error| error.to_string(), |_| format!("{caller} added"))
        };
        let mut all: FuturesUnordered<_> = (0..3).map(one).collect();
        let mut told = Vec::new();
        while let Some(result) = all.next().await {
            told.push(result);
        }
        told.push(tokio::select! {
            result = async { tokio::task::yield_now().await; add(cx) } => result.map_or_else(|error| error.to_string(), |_| "added".to_owned()),
            () = std::future::pending() => "never".to_owned(),
        });
        told
    }

    /// Asks for the context in a plain tokio task, which was given no context.
    #[callable]
    async fn spawned_by_tokio(&self) -> Result<bool> {
        Ok(tokio::spawn(async { agents::current::<Rig>().is_some() || ambient().is_ok() }).await?)
    }

    #[callable]
    fn lend(&self, cx: &Context<Self>) {
        *cx.env().lent.lock().expect("no handler panicked") = Some(cx.clone());
    }

    /// Uses the context that another agent stored.
    #[callable]
    fn borrow(&self, cx: &Context<Self>) -> Result<Value> {
        let theirs = cx
            .env()
            .lent
            .lock()
            .expect("no handler panicked")
            .clone()
            .ok_or_else(|| Error::msg("nothing was lent"))?;
        let mine = agents::current::<Self>().map(|cx| cx.name().to_owned());
        let tries = tries(&theirs);
        Ok(json!([theirs.name(), mine, tries]))
    }

    #[callable]
    fn spawned_with_context(&self, cx: &Context<Self>) -> Result<()> {
        let mine = cx.clone();
        cx.spawn(async move {
            tokio::task::yield_now().await;
            add(&mine)?;
            mine.env().tell.tell("added");
            Ok::<_, Error>(())
        })
    }

    /// Spawns a task without a context: it has no caller, and `current` returns `None`.
    #[callable]
    fn spawned_without(&self, cx: &Context<Self>) -> Result<()> {
        let tell = cx.env().tell.clone();
        cx.spawn(async move {
            tokio::task::yield_now().await;
            tell.tell(format!("current: {}", agents::current::<Rig>().is_some()));
        })
    }

    /// Uses the context in a tokio task, which does not belong to a turn.
    #[callable]
    async fn spawned_outside(&self, cx: &Context<Self>) -> Result<Vec<bool>> {
        let (send, receive) = oneshot::channel();
        let mine = cx.clone();
        tokio::spawn(async move {
            let refused = [
                mine.set_state(Tally { count: -1 }).is_err(),
                mine.broadcast("stray").is_err(),
                mine.state().is_err(),
                mine.sql().execute("CREATE TABLE stray (x)", ()).is_err(),
                mine.storage().put("stray", &1).is_err(),
                mine.connections().next().is_none(),
                mine.spawn(async {}).is_err(),
                agents::current::<Rig>().is_none(),
            ];
            let _ = send.send(refused.to_vec());
        });
        Ok(receive.await?)
    }

    /// Lets one waiting call continue.
    #[callable]
    fn go(&self, cx: &View<Self>) {
        cx.env().go.notify_one();
    }

    #[callable]
    async fn whoami(
        &self,
        cx: &View<Self>,
        conn: &Connection<Self>,
        maybe: Option<&Connection<Self>>,
    ) -> Value {
        let same = maybe == Some(conn) && cx.caller() == Some(conn);
        json!([conn.id(), same, ambient_caller(), deep(5).await])
    }

    #[callable]
    fn names(&self, cx: &View<Self>, conn: &Connection<Self>) -> Value {
        json!([cx.name(), cx.class(), conn.server(), conn.uri()])
    }

    #[callable]
    fn is_another_class(&self) -> bool {
        agents::current::<Other>().is_some()
    }
}

/// Uses every method of a context where none of them should work, and returns the codes of the errors.
fn tries(cx: &Context<Rig>) -> Vec<String> {
    let results = [
        cx.state().map(drop),
        cx.set_state(Tally { count: -1 }),
        cx.sql().execute("CREATE TABLE stray (x)", ()).map(drop),
        cx.sql().query::<i64>("SELECT 1", ()).map(drop),
        cx.storage().put("stray", &1),
        cx.storage().get::<i64>("stray").map(drop),
        cx.view().sql().query::<i64>("SELECT 1", ()).map(drop),
        cx.view().storage().get::<i64>("stray").map(drop),
        cx.broadcast("stray"),
        cx.object().set_alarm(Duration::ZERO),
        cx.object().delete_all(),
        cx.spawn(async {}),
        cx.keep_awake("stray").map(drop),
        cx.caller().map_or(Ok(()), |conn| conn.set_readonly(false)),
        cx.caller().map_or(Ok(()), |conn| conn.send("stray")),
    ];
    let mut codes: Vec<String> = results
        .into_iter()
        .map(|result| result.map_or_else(|error| error.code(), |()| "done").to_owned())
        .collect();
    codes.push(format!("{} connections", cx.connections().count()));
    codes
}

/// An agent of another class.
#[agent(env = Lab)]
#[derive(Default)]
struct Other;

#[agent]
impl Other {
    #[callable]
    fn borrow(&self, cx: &Context<Self>) -> Result<Value> {
        let theirs = cx
            .env()
            .lent
            .lock()
            .expect("no handler panicked")
            .clone()
            .ok_or_else(|| Error::msg("nothing was lent"))?;
        Ok(json!([theirs.name(), agents::current::<Rig>().is_some(), tries(&theirs), ambient().is_ok()]))
    }
}

async fn rig() -> (TestServer, Heard) {
    let (tell, heard) = line();
    let lab = Lab { tell, go: Arc::default(), lent: Mutex::default() };
    (TestServer::start(Agents::new().register::<Rig>().register::<Other>().env(lab)).await, heard)
}

#[tokio::test]
async fn s134_the_caller_is_the_calling_socket_at_any_depth() {
    let (server, _heard) = rig().await;
    let mut ada = server.join("/agents/rig/a?_pk=ada", true).await;
    let mut bob = server.join("/agents/rig/a?_pk=bob", true).await;
    // Both calls run at the same time and interleave.
    let one = ada.start_call("whoami", json!([])).await;
    let two = bob.start_call("whoami", json!([])).await;
    assert_eq!(ada.answer(&one).await["result"], json!(["ada", true, "ada", "ada"]));
    assert_eq!(bob.answer(&two).await["result"], json!(["bob", true, "bob", "bob"]));
    ada.send("who?").await;
    assert_eq!(ada.next().await.text(), "ada", "in hooks of a connection as well");
    assert_eq!(ada.call("isAnotherClass", json!([])).await, false);
    assert!(agents::current::<Rig>().is_none(), "outside there is none");
}

#[tokio::test]
async fn s135_without_a_connection_there_is_no_caller_and_nothing_to_refuse() {
    let (server, _heard) = rig().await;
    let mut client = server.join("/agents/rig/a", true).await;
    let answer = reqwest::get(server.url("/agents/rig/a?mode=view")).await.expect("an answer");
    assert_eq!(answer.text().await.expect("a text"), "1 None None");
    assert_eq!(client.json().await, changed(&json!({ "count": 1 })));
}

#[tokio::test]
async fn s170_a_viewer_is_refused_after_an_await_and_in_helpers() {
    let (server, mut heard) = rig().await;
    let mut viewer = server.join("/agents/rig/a?mode=view", true).await;
    let mut editor = server.join("/agents/rig/a", true).await;
    assert_eq!(viewer.call_error("inHelper", json!([])).await, "Connection is readonly");
    assert_eq!(
        viewer.call("joined", json!([])).await,
        json!(["Connection is readonly", "Connection is readonly"])
    );
    assert_eq!(editor.drain().await, []);
    assert_eq!(editor.call("inHelper", json!([])).await, 1);
    assert_eq!(editor.call("joined", json!([])).await, json!(["added", "added"]));
    for method in ["afterAwait", "ambientAfterAwait"] {
        // An editor's call at the same point must not give its right to the viewer.
        let refused = viewer.start_call(method, json!([])).await;
        assert_eq!(heard.next().await, "waiting");
        let allowed = editor.start_call(method, json!([])).await;
        assert_eq!(heard.next().await, "waiting");
        editor.call("go", json!([])).await;
        editor.call("go", json!([])).await;
        assert_eq!(viewer.answer(&refused).await["error"], "Connection is readonly");
        assert_eq!(editor.answer(&allowed).await["success"], true);
    }
    let frames = editor.drain_json().await;
    assert_eq!(frames.last(), Some(&changed(&json!({ "count": 5 }))));
}

#[tokio::test]
async fn s170_a_task_that_took_the_context_along_keeps_the_callers_right() {
    let (server, mut heard) = rig().await;
    let mut viewer = server.join("/agents/rig/a?mode=view", true).await;
    let mut editor = server.join("/agents/rig/a", true).await;
    viewer.call("spawnedWithContext", json!([])).await;
    assert_eq!(heard.next().await, "readonly: Connection is readonly", "the task's error reaches on_error");
    editor.call("spawnedWithContext", json!([])).await;
    assert_eq!(heard.next().await, "added");
    assert_eq!(editor.drain_json().await, [changed(&json!({ "count": 1 }))]);
    editor.call("spawnedWithout", json!([])).await;
    assert_eq!(heard.next().await, "current: false");
}

#[tokio::test]
async fn s170_a_context_outside_of_the_agent_does_nothing() {
    let (server, _heard) = rig().await;
    let mut client = server.join("/agents/rig/a", true).await;
    assert_eq!(client.call("spawnedOutside", json!([])).await, json!(vec![true; 8]));
    assert_eq!(client.drain().await, []);
    let mut late = server.connect("/agents/rig/a").await;
    assert_eq!(late.greeting(true).await, Some(json!({ "count": 0 })));
}

#[tokio::test]
async fn s170_joined_and_selected_futures_belong_to_the_call() {
    let (server, _heard) = rig().await;
    let mut viewer = server.join("/agents/rig/a?mode=view&_pk=eve", true).await;
    let mut editor = server.join("/agents/rig/a?_pk=ada", true).await;
    // Both calls interleave at their awaits.
    let refused = viewer.start_call("selected", json!([])).await;
    let allowed = editor.start_call("selected", json!([])).await;
    assert_eq!(viewer.answer(&refused).await["result"], json!(vec!["Connection is readonly"; 4]));
    assert_eq!(
        editor.answer(&allowed).await["result"],
        json!(["ada added", "ada added", "ada added", "added"])
    );
    assert_eq!(editor.call("inHelper", json!([])).await, 5);
}

#[tokio::test]
async fn s170_no_task_has_a_context_by_accident() {
    let (server, mut heard) = rig().await;
    let mut editor = server.join("/agents/rig/a", true).await;
    assert_eq!(editor.call("spawnedByTokio", json!([])).await, false);
    editor.call("spawnedWithout", json!([])).await;
    assert_eq!(heard.next().await, "current: false");
    // No context is left on the thread for the next task.
    assert!(agents::current::<Rig>().is_none());
}

#[tokio::test]
async fn s134_s170_a_context_works_in_its_own_agent_and_in_no_other() {
    let (server, _heard) = rig().await;
    let mut lender = server.join("/agents/rig/lender?_pk=ada", true).await;
    let mut same_class = server.join("/agents/rig/another", true).await;
    let mut other_class = server.join("/agents/other/lender", false).await;
    lender.call("lend", json!([])).await;
    let outside = json!([vec!["outside_turn"; 15], vec!["0 connections"]].concat());
    assert_eq!(same_class.call("borrow", json!([])).await, json!(["lender", "another", outside]));
    assert_eq!(other_class.call("borrow", json!([])).await, json!(["lender", false, outside, false]));
    assert_eq!(lender.drain().await, []);
    assert_eq!(lender.call("inHelper", json!([])).await, 1, "no call of the other agents had an effect");
}

#[tokio::test]
async fn s101_names_stay_as_they_stand_in_the_address() {
    let (server, _heard) = rig().await;
    for name in ["a", "A%20b", "%C3%A9%2F..", "a.b~c_d-e", "100%25", "x:y@z,(w)!"] {
        let uri = format!("/agents/rig/{name}?x=%20&_pk=1");
        let mut client = server.join(&uri, true).await;
        assert_eq!(client.call("names", json!([])).await, json!([name, "rig", name, uri]));
        assert_eq!(client.call("inHelper", json!([])).await, 1, "each is an agent of its own");
    }
}
