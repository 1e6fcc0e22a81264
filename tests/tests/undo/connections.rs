//! Connections that are accepted in an undone turn, and connections that the runtime accepted before.

use agents::axum::response::IntoResponse;
use agents::http::StatusCode;
use agents::object::{DurableObject, ObjectContext, WebSocket, WebSocketUpgrade};
use agents::prelude::*;
use agents::testing::{Received, TestConnection, TestHost};

#[agent(state = u32, connection = String)]
#[derive(Default)]
struct Greets;

#[agent]
impl Greets {
    #[hook]
    fn authorize(&self, cx: &Context<Self>) -> Result<String, Refusal> {
        cx.storage().put("asked", &true).map_err(|_| Refusal::new(4500, "storage"))?;
        Ok("authorized".to_owned())
    }

    #[hook]
    fn on_connect(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        cx.storage().put("connected", &true)?;
        conn.set_state("connected".to_owned())?;
        conn.send("never said")?;
        match cx.name() {
            "fails" => Err(Error::msg("not today")),
            _ => panic!("on purpose"),
        }
    }

    #[hook]
    fn on_close(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        cx.storage().put("closed", &conn.state()?)
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _request: Request) -> Result<String> {
        let asked = cx.storage().get::<bool>("asked")?;
        let connected = cx.storage().get::<bool>("connected")?;
        let closed = cx.storage().get::<String>("closed")?;
        Ok(format!("{asked:?} {connected:?} {closed:?}"))
    }
}

async fn all(client: &mut TestConnection) -> Vec<Received> {
    let mut all = Vec::new();
    loop {
        let next = client.next().await;
        let ends = matches!(next, Received::Close(..) | Received::Dropped);
        all.push(next);
        if ends {
            return all;
        }
    }
}

async fn body(response: Response) -> String {
    let bytes = agents::axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_connect_hook_that_panics_leaves_the_accept_and_the_identity() {
    let host = TestHost::start(|| Agents::new().register::<Greets>()).unwrap();
    for (name, said) in [("fails", true), ("panics", false)] {
        let object = host.agent::<Greets>(name);
        let mut client = object.connect("").await;
        assert_eq!(client.greeting().await, Some(json!(0)), "{name}");
        let rest = all(&mut client).await;
        assert!(matches!(rest.last(), Some(Received::Close(1011, _))), "{name}: {rest:?}");
        assert_eq!(rest.len(), 1 + usize::from(said), "{name}: {rest:?}");
        drop(client);
        host.advance(std::time::Duration::from_secs(10)).await;
        // The effects of `authorize` belong to another turn and stay.
        let expected = match said {
            true => r#"Some(true) Some(true) Some("connected")"#,
            false => r#"Some(true) None Some("authorized")"#,
        };
        assert_eq!(body(object.get("").await).await, expected, "{name}");
    }
}

/// An object that accepts connections in ways that are undone.
struct AcceptAndUndo;

impl DurableObject for AcceptAndUndo {
    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        let how = request.uri().query().unwrap_or_default().to_owned();
        let Some(upgrade) = WebSocketUpgrade::take(&mut request) else { return Ok("x".into_response()) };
        let (again, third) = (upgrade.clone(), upgrade.clone());
        let switched = || Ok(StatusCode::SWITCHING_PROTOCOLS.into_response());
        match how.as_str() {
            "panic" => {
                cx.accept_web_socket(upgrade, ["a"])?.send("never said")?;
                panic!("on purpose");
            }
            "later" => {
                cx.accept_web_socket(upgrade, ["a"])?.send("said")?;
                tokio::task::yield_now().await;
                panic!("on purpose");
            }
            _ => {}
        }
        let mut undone = None;
        let tried: Result<()> = cx.sql().transaction(|_| {
            let socket = cx.accept_web_socket(upgrade, ["a", "b"])?;
            socket.serialize_attachment(&"lost")?;
            socket.send("never said")?;
            assert_eq!(cx.get_web_sockets().tag("a").count(), 1);
            undone = Some(socket);
            Err(Error::msg("no"))
        });
        assert_eq!(tried.unwrap_err().to_string(), "no");
        let undone = undone.unwrap();
        assert_eq!(cx.get_web_sockets().count(), 0);
        assert!(!undone.is_open() && undone.tags().is_empty());
        match how.as_str() {
            "again" => {
                let socket = cx.accept_web_socket(again, ["c"])?;
                assert_eq!(socket.tags(), ["c"]);
                assert_eq!(undone.tags(), ["c"], "the same socket is accepted");
                assert_eq!(socket.deserialize_attachment::<String>()?, None);
                assert_eq!(cx.get_web_sockets().tag("a").count(), 0);
                let twice = cx.accept_web_socket(third, ["d"]).unwrap_err();
                assert_eq!(twice.code(), "already_accepted");
                socket.send("accepted")?;
                switched()
            }
            _ => Ok(StatusCode::NOT_FOUND.into_response()),
        }
    }

    async fn web_socket_message(&self, cx: &ObjectContext, socket: &WebSocket, _: Message) -> Result<()> {
        assert_eq!(cx.get_web_sockets().tag("c").count(), 1);
        socket.send(&json!(socket.tags()))
    }
}

async fn door(how: &str) -> (TestHost, TestConnection) {
    let host = TestHost::start(|| Agents::new().register_object_with("door", |_| AcceptAndUndo)).unwrap();
    let client = host.object("door", "one").connect(how).await;
    (host, client)
}

#[tokio::test(start_paused = true)]
async fn an_accept_that_was_undone_is_none() {
    for (how, expected) in [("panic", 4500), ("undo", 4404)] {
        let (host, mut client) = door(how).await;
        let frames = all(&mut client).await;
        assert!(matches!(frames[..], [Received::Close(code, _)] if code == expected), "{how}: {frames:?}");
        assert!(host.object("door", "one").connections().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_accept_of_an_earlier_turn_stays() {
    let (_host, mut client) = door("later").await;
    assert_eq!(client.next().await.text(), "said");
    assert!(matches!(client.next().await, Received::Close(1011, _)));
}

#[tokio::test(start_paused = true)]
async fn a_connection_can_be_accepted_with_other_tags_after_an_undone_accept() {
    let (host, mut client) = door("again").await;
    assert_eq!(client.next().await.text(), "accepted");
    client.send("tags").await;
    assert_eq!(client.next().await.text(), r#"["c"]"#);
    host.object("door", "one").hibernate().await.unwrap();
    client.send("tags").await;
    assert_eq!(client.next().await.text(), r#"["c"]"#);
}
