//! Arguments and results in the forms that JavaScript writes and expects.

use agents::prelude::*;
use agents::serde_json::Value;
use agents::testing::TestHost;
use futures_util::StreamExt;

/// An agent that adds numbers and returns its arguments.
#[agent(state = Note)]
#[derive(Default)]
struct Desk;

#[wire]
#[derive(Clone, Default, PartialEq, Debug)]
struct Note {
    text: String,
}

#[agent]
impl Desk {
    #[callable]
    fn double(&self, number: u32) -> u32 {
        number * 2
    }

    #[callable]
    fn or_ten(&self, #[default = 10] number: u32) -> u32 {
        number
    }

    #[callable]
    fn nothing(&self) {}

    #[callable]
    fn note(&self, cx: &Context<Self>) -> Result<String> {
        Ok(cx.state()?.text.clone())
    }

    #[callable]
    fn same(&self, text: String, any: Option<Value>) -> (String, Option<Value>) {
        (text, any)
    }

    #[hook]
    fn on_message(&self, conn: &Connection<Self>, message: Message) -> Result<()> {
        conn.send(&message.json::<Note>()?)
    }

    #[callable]
    fn motto(&self) -> &'static str {
        "never late"
    }

    #[callable]
    fn motto_of(&self, year: u32) -> Result<&'static str> {
        if year < 1900 { Err(Error::msg("no motto yet")) } else { Ok("never early") }
    }

    #[callable]
    fn mottos(&self) -> Vec<&'static str> {
        vec!["never late", "never early"]
    }

    #[callable]
    fn old_motto(&self) -> Result<Option<&'static str>> {
        Ok(None)
    }

    #[callable]
    fn words(&self) -> impl Stream<Item = &'static str> + Send + use<> {
        futures_util::stream::iter(["never", "late"])
    }
}

fn host() -> TestHost {
    TestHost::start(|| Agents::new().register::<Desk>()).expect("a host")
}

#[tokio::test(start_paused = true)]
async fn arguments_beyond_those_of_the_method_are_ignored() {
    let host = host();
    let mut client = host.connect("/agents/desk/a").await;
    // `items.map(agent.stub.double)` sends such arguments.
    assert_eq!(client.call::<u32>("double", json!([4, 0, [4, 5]])).await, 8);
    assert_eq!(client.call::<u32>("orTen", json!([null, "x"])).await, 10);
    assert_eq!(client.call::<u32>("orTen", json!([3, {}, 1])).await, 3);
    assert_eq!(client.call::<Value>("nothing", json!([1, 2, 3])).await, Value::Null);
    let error = client.call_error("double", json!(["x", 1])).await;
    assert!(error.starts_with("argument 1 (`number`): "), "{error}");
    let desk = host.host().get::<Desk>("a");
    assert_eq!(desk.call::<u32>("double", (7, "extra")).await.unwrap(), 14);
}

#[tokio::test(start_paused = true)]
async fn half_a_surrogate_pair_is_replaced() {
    let host = host();
    let mut client = host.connect("/agents/desk/a").await;
    client.greeting().await;
    client
        .send(r#"{"type":"rpc","id":"1","method":"same","args":["a\ud83d \ud83d\ude00",{"\udc00":["\\ud800"]}]}"#)
        .await;
    assert_eq!(client.answer("1").await["result"], json!(["a\u{fffd} 😀", { "\u{fffd}": ["\\ud800"] }]));
    client.send(r#"{"type":"cf_agent_state","state":{"text":"b\udfff"}}"#).await;
    assert_eq!(client.call::<String>("note", ()).await, "b\u{fffd}");
    client.send(r#"{"text":"c\ud800"}"#).await;
    assert_eq!(client.json().await, json!({ "text": "c\u{fffd}" }));
}

#[tokio::test(start_paused = true)]
async fn texts_of_the_program_are_answers() {
    let host = host();
    let mut client = host.connect("/agents/desk/a").await;
    assert_eq!(client.call::<String>("motto", ()).await, "never late");
    assert_eq!(client.call::<String>("mottoOf", (1999,)).await, "never early");
    assert_eq!(client.call_error("mottoOf", (1800,)).await, "no motto yet");
    let desk = host.host().get::<Desk>("a");
    let motto: String = desk.motto().await.unwrap();
    assert_eq!(motto, "never late");
    let mottos: Vec<String> = desk.mottos().await.unwrap();
    assert_eq!(mottos, ["never late", "never early"]);
    let old: Option<String> = desk.old_motto().await.unwrap();
    assert_eq!(old, None);
    let words: Vec<String> = desk.words().await.unwrap().map(Result::unwrap).collect().await;
    assert_eq!(words, ["never", "late"]);
}
