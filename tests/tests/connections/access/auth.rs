//! Authorization by the agent: with the request, before any frame or in the connect hook.

use agents::prelude::*;
use agents_tests::{Client, Notes, Received, Recorder, TestServer, recorder};

/// The state of a connection that the connect hook has let in, as in the documentation of the npm package.
#[wire]
#[derive(Clone)]
struct Session {
    authenticated: bool,
}

#[agent(connection = Session, env = Recorder)]
#[derive(Default)]
struct ChatAgent;

#[agent]
impl ChatAgent {
    #[hook]
    async fn on_connect(
        &self,
        cx: &Context<Self>,
        conn: &Connection<Self>,
        req: &ConnectRequest,
    ) -> Result<()> {
        let Some(token) = req.query("token") else {
            return conn.close(4001, "Unauthorized");
        };
        cx.env().note(json!([token, req.cookie("session"), req.header("X-Test"), req.uri(), req.peer()]));
        conn.set_state(Session { authenticated: true })
    }

    #[hook]
    fn on_message(&self, conn: &Connection<Self>, message: Message) -> Result<()> {
        conn.send(&json!({ "message": message.text(), "authenticated": conn.state()?.authenticated }))
    }
}

#[tokio::test]
async fn s8_s20_the_connect_hook_reads_the_request() {
    let (recorder, mut notes) = recorder();
    let server = TestServer::start(Agents::new().register::<ChatAgent>().env(recorder)).await;
    let headers = [("cookie", "a=1; session=abc"), ("x-test", "yes")];
    let path = "/agents/chat-agent/one?token=x%2Fy+z";
    let _client = Client::connect(server.addr(), path, &headers).await;
    let note = notes.next().await;
    let peer = note[4].as_str().expect("an address");
    assert!(peer.starts_with("127.0.0.1:"), "{peer}");
    assert_eq!(note, json!(["x/y z", "abc", "yes", path, peer]));

    let _client = server.connect("/agents/chat-agent/one?token=").await;
    let note = notes.next().await;
    assert_eq!((&note[0], &note[1], &note[2]), (&json!(""), &json!(null), &json!(null)));
}

#[tokio::test]
async fn s20_s21_s22_the_connect_hook_refuses_or_keeps_who_came() {
    let (recorder, mut notes) = recorder();
    let server = TestServer::start(Agents::new().register::<ChatAgent>().env(recorder)).await;
    // As in the npm package `agents`, the protocol frames are sent before the hook runs.
    let mut client = server.join("/agents/chat-agent/one", false).await;
    client.send("am I in?").await;
    assert_eq!(client.next().await, Received::Close(4001, "Unauthorized".to_owned()));
    assert_eq!(client.next().await, Received::Dropped);
    assert_eq!(notes.so_far().len(), 0);

    let mut client = server.join("/agents/chat-agent/one?token=t", false).await;
    for text in ["first", "second"] {
        client.send(text).await;
        assert_eq!(client.json().await, json!({ "message": text, "authenticated": true }));
    }
}

#[wire]
#[derive(Clone)]
struct Visitor {
    user_id: String,
    role: String,
    joined_at: u64,
}

#[wire]
#[derive(Clone, Default)]
struct Secret {
    secret: String,
}

/// An agent that decides in `authorize`, before any frame is sent.
#[agent(state = Secret, connection = Visitor, env = Recorder)]
#[derive(Default)]
struct Vault;

#[agent]
impl Vault {
    #[hook]
    async fn authorize(&self, cx: &Context<Self>, req: &ConnectRequest) -> Result<Visitor, Refusal> {
        match req.query("token").as_deref() {
            Some("none") => return Err(Refusal::unauthorized("a token is required")),
            Some("wrong") => return Err(Refusal::forbidden("not with this token")),
            Some("lost") => return Err(Refusal::not_found("no such room")),
            Some("own") => return Err(Refusal::new(4999, "x".repeat(200))),
            Some("broken") => Err(std::io::Error::other("secret of the disk"))?,
            Some("panic") => panic!("secret of the panic"),
            _ => {}
        }
        Ok(Visitor {
            user_id: req.query("userId").unwrap_or("anonymous".into()).into_owned(),
            role: "user".to_owned(),
            joined_at: cx.now(),
        })
    }

    #[hook]
    fn connection_tags(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<Vec<String>> {
        cx.env().note("tags");
        // Later hooks know the user.
        Ok(vec![conn.state()?.user_id.clone()])
    }

    #[hook]
    fn on_connect(&self, cx: &Context<Self>) {
        cx.env().note("connect");
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, _message: Message) {
        cx.env().note("message");
    }

    #[hook]
    fn on_close(&self, cx: &Context<Self>) {
        cx.env().note("close");
    }

    #[callable]
    fn who(&self, conn: &Connection<Self>) -> Result<Visitor> {
        conn.state().map(std::sync::Arc::unwrap_or_clone)
    }

    #[callable]
    fn tags(&self, conn: &Connection<Self>) -> Vec<String> {
        conn.tags().to_vec()
    }
}

async fn vault() -> (TestServer, Notes) {
    let (recorder, notes) = recorder();
    (TestServer::start(Agents::new().register::<Vault>().env(recorder)).await, notes)
}

#[tokio::test]
async fn s21_a_refused_connection_sees_a_final_close_and_nothing_else() {
    let (server, mut notes) = vault().await;
    for (token, code, reason) in [
        ("none", 4401, "a token is required".to_owned()),
        ("wrong", 4403, "not with this token".to_owned()),
        ("lost", 4404, "no such room".to_owned()),
        ("own", 4999, "x".repeat(123)),
    ] {
        let mut client = server.connect(&format!("/agents/vault/one?token={token}")).await;
        client.send("early").await;
        client.send(r#"{"type":"cf_agent_state","state":{"secret":"mine"}}"#).await;
        assert_eq!(client.next().await, Received::Close(code, reason));
        assert_eq!(client.next().await, Received::Dropped);
    }
    for token in ["broken", "panic"] {
        let mut client = server.connect(&format!("/agents/vault/one?token={token}")).await;
        let Received::Close(4500, reason) = client.next().await else { panic!("no close with 4500") };
        assert!(reason.starts_with("Internal error (id "), "{reason}");
    }
    // Only the first hook saw the refused connections, and none of their frames had an effect.
    let mut client = server.connect("/agents/vault/one").await;
    assert_eq!(client.greeting(true).await, Some(json!({ "secret": "" })));
    client.drain().await;
    assert_eq!(notes.so_far(), ["tags", "connect"]);
}

#[tokio::test]
async fn s22_s37_authorize_gives_the_connection_its_state() {
    let (server, _notes) = vault().await;
    let mut named = server.join("/agents/vault/one?userId=ada", true).await;
    let mut anonymous = server.join("/agents/vault/one", true).await;
    let who = named.call("who", json!([])).await;
    assert_eq!((&who["userId"], &who["role"]), (&json!("ada"), &json!("user")));
    assert!(who["joinedAt"].as_u64() > Some(1_700_000_000_000), "{who}");
    assert_eq!(anonymous.call("who", json!([])).await["userId"], "anonymous");
    let tags = named.call("tags", json!([])).await;
    assert_eq!(tags[1], "ada", "{tags}");
}
