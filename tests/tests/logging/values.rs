use agents::prelude::*;
use agents_tests::{Client, TestServer};

use crate::captured;

/// A text in every value of the session below.
const MARKER: &str = "m4rker";

#[wire]
#[derive(Clone, Default)]
struct Page {
    text: String,
    count: u32,
}

#[agent(state = Page)]
#[derive(Default)]
struct Secretive;

#[agent]
impl Secretive {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS notes (what TEXT NOT NULL UNIQUE)")?;
        Ok(())
    }

    #[hook]
    fn on_request(&self, request: Request) -> String {
        request.uri().to_string()
    }

    #[hook]
    fn validate_state_change(&self, next: &Page) -> Result<()> {
        match next.count {
            7 => Err(Error::msg(format!("{} is refused", next.text))),
            _ => Ok(()),
        }
    }

    #[hook]
    fn on_message(&self, conn: &Connection<Self>, message: Message) -> Result<()> {
        if message.text() == Some("leave") {
            return conn.close(4002, MARKER);
        }
        message.json::<Page>()?;
        conn.send(message)
    }

    #[callable]
    fn keep(&self, cx: &Context<Self>, text: String, count: u32) -> Result<String> {
        cx.set_state(Page { text: text.clone(), count })?;
        cx.storage().put(&text, &text)?;
        sql!(cx, "INSERT INTO notes (what) VALUES ({text})")?;
        Ok(text)
    }

    #[callable]
    fn refuse(&self, text: String) -> Result<()> {
        Err(Error::msg(text))
    }
}

#[tokio::test]
async fn no_value_is_in_the_log() {
    captured::keep();
    let server = TestServer::start(Agents::new().register::<Secretive>()).await;
    let path = format!("/agents/secretive/quiet?token={MARKER}");
    let headers = [("authorization", "Bearer m4rker"), ("cookie", "session=m4rker")];
    for end in ["leave", "close"] {
        let mut client = Client::connect(server.addr(), &path, &headers).await;
        client.drain().await;
        client.try_call::<String>("keep", json!([MARKER, 1])).await.ok();
        for arguments in [json!([1, MARKER]), json!([MARKER])] {
            client.call_frame("keep", arguments).await;
        }
        client.call_error("refuse", [MARKER]).await;
        for state in [
            json!({ "text": MARKER, "count": 1 }),
            json!({ "text": MARKER, "count": 7 }),
            json!({ "text": MARKER, "count": MARKER }),
            json!({ MARKER: MARKER }),
            json!(MARKER),
        ] {
            client.send(json!({ "type": "cf_agent_state", "state": state }).to_string()).await;
        }
        for text in [
            format!(r#"{{"text":"{MARKER}"}}"#),
            format!(r#"{{"text":"{MARKER}","count":"{MARKER}"}}"#),
            MARKER.to_owned(),
        ] {
            client.send(text).await;
        }
        client.send_bytes(MARKER.as_bytes().to_vec()).await;
        client.drain().await;
        match end {
            "leave" => client.send("leave").await,
            _ => drop(client.close(Some((4003, MARKER))).await),
        }
    }
    let body = server.url(&path);
    let mut request = reqwest::Client::new().post(body).body(MARKER);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    assert!(request.send().await.expect("an answer").text().await.expect("a body").contains(MARKER));
    server.shutdown().await;
    let log = captured::text();
    for target in ["agents::connection", "agents::object", "agents::call", "agents::host"] {
        assert!(log.contains(target), "{target} is in the log: {log}");
    }
    let leaked: Vec<_> = log.lines().filter(|line| line.contains(MARKER)).collect();
    assert!(leaked.is_empty(), "{leaked:#?}");
}
