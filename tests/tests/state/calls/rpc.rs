//! Calls: lookup of methods, decoding of arguments, answers, and concurrency.

use agents::prelude::*;
use agents::serde_json::Value;
use agents_tests::TestServer;
use tokio::sync::Notify;

use crate::support::{Heard, Tell, line};

#[wire]
struct Point {
    x_axis: f64,
    y_axis: f64,
}

#[wire]
#[derive(PartialEq)]
enum Shape {
    Dot,
    Circle { radius: u32 },
    Label(String),
}

struct Desk {
    tell: Tell,
    go: Notify,
}

/// An agent that answers calls.
#[agent(env = Desk)]
#[derive(Default)]
struct Clerk;

#[agent]
impl Clerk {
    #[hook]
    fn on_message(&self, conn: &Connection<Self>, message: Message) -> Result<()> {
        match message.text() {
            Some(text) => conn.send(format!("message: {text}")),
            None => conn.send(message),
        }
    }

    #[callable]
    fn get_stats(&self) -> u32 {
        1
    }

    #[callable]
    fn echo(&self, value: Value) -> Value {
        value
    }

    #[callable]
    fn middle(&self, a: Point, b: Point) -> Point {
        Point { x_axis: (a.x_axis + b.x_axis) / 2.0, y_axis: (a.y_axis + b.y_axis) / 2.0 }
    }

    #[callable]
    fn shapes(&self, shapes: Vec<Shape>, flag: bool, pair: (i8, String)) -> (usize, bool, (i8, String)) {
        let dots = shapes.iter().filter(|shape| **shape == Shape::Dot).count();
        (dots, flag, pair)
    }

    #[callable]
    fn maybe(
        &self,
        first: u8,
        second: Option<String>,
        #[default = 7] third: i64,
    ) -> (u8, Option<String>, i64) {
        (first, second, third)
    }

    #[callable]
    fn nothing(&self) {}

    #[callable]
    fn nothing_or_error(&self) -> Result<()> {
        Ok(())
    }

    #[callable]
    fn no_value(&self) -> Option<u8> {
        None
    }

    #[callable]
    fn fail(&self, text: String) -> Result<u8> {
        Err(Error::msg(text))
    }

    #[callable]
    fn fail_inside(&self) -> Result<u8> {
        Ok(std::fs::read("/no/such/secret/file")?[0])
    }

    #[callable]
    fn panics(&self) -> u8 {
        panic!("a secret in a panic")
    }

    #[callable]
    fn note(&self, cx: &View<Self>, what: String) {
        cx.env().tell.tell(what);
    }

    #[callable]
    async fn wait(&self, cx: &View<Self>) -> String {
        cx.env().tell.tell("waiting");
        cx.env().go.notified().await;
        cx.env().tell.tell("done");
        "waited".to_owned()
    }

    #[callable]
    fn go(&self, cx: &View<Self>) {
        cx.env().go.notify_one();
    }

    #[callable(exclusive)]
    async fn alone(&self, cx: &View<Self>, who: String) {
        cx.env().tell.tell(format!("{who} in"));
        cx.env().go.notified().await;
        cx.env().tell.tell(format!("{who} out"));
    }

    #[callable]
    async fn alone_inside(&self, cx: &Context<Self>, who: String) -> Result<()> {
        cx.exclusive(self.alone(&cx.view(), who)).await?;
        Ok(())
    }

    fn helper_fn(&self) -> u32 {
        2
    }
}

async fn clerk() -> (TestServer, Heard) {
    let (tell, heard) = line();
    let agents = Agents::new().register::<Clerk>().env(Desk { tell, go: Notify::new() });
    (TestServer::start(agents).await, heard)
}

#[tokio::test]
async fn s112_s130_s138_answers_are_exact() {
    let (server, _heard) = clerk().await;
    let mut client = server.join("/agents/clerk/a", false).await;
    for (method, answer) in [
        ("getStats", r#"{"done":true,"id":"call-1","result":1,"success":true,"type":"rpc"}"#),
        ("nothing", r#"{"done":true,"id":"call-2","success":true,"type":"rpc"}"#),
        ("nothingOrError", r#"{"done":true,"id":"call-3","success":true,"type":"rpc"}"#),
        ("noValue", r#"{"done":true,"id":"call-4","result":null,"success":true,"type":"rpc"}"#),
        ("fly", r#"{"error":"Method fly does not exist","id":"call-5","success":false,"type":"rpc"}"#),
        (
            "helperFn",
            r#"{"error":"Method helperFn is not callable","id":"call-6","success":false,"type":"rpc"}"#,
        ),
        (
            "onMessage",
            r#"{"error":"Method onMessage is not callable","id":"call-7","success":false,"type":"rpc"}"#,
        ),
        (
            "get_stats",
            r#"{"error":"Method get_stats does not exist","id":"call-8","success":false,"type":"rpc"}"#,
        ),
    ] {
        client.start_call(method, json!([])).await;
        assert_eq!(client.next().await.text(), answer);
    }
    assert_eq!(Clerk.helper_fn(), 2);
    for name in ["", "__proto__", "constructor", "toString", "a\"b\\c", "GetStats", "getStats ", "💥"] {
        let text = client.call_error(name, json!([])).await;
        assert_eq!(text, format!("Method {name} does not exist"));
    }
}

#[tokio::test]
async fn s132_the_text_of_an_error_arrives_and_a_secret_does_not() {
    let (server, _heard) = clerk().await;
    let mut client = server.join("/agents/clerk/a", false).await;
    let mut other = server.join("/agents/clerk/a", false).await;
    for text in ["Game is full", "", "with \"quotes\" \\ and\nlines", "grüße 💥"] {
        assert_eq!(client.call_error("fail", json!([text])).await, text);
    }
    let mut ids = Vec::new();
    for method in ["failInside", "panics", "panics"] {
        let text = client.call_error(method, json!([])).await;
        let id = text.strip_prefix("Internal error (id ").and_then(|rest| rest.strip_suffix(')'));
        ids.push(id.unwrap_or_else(|| panic!("{method}: {text}")).to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "every error has an id of its own");
    assert!(ids.iter().all(|id| !id.is_empty()));
    // The agent keeps running, for this client and for others.
    assert_eq!(client.call("getStats", json!([])).await, 1);
    assert_eq!(other.call("getStats", json!([])).await, 1);
    assert_eq!(other.drain().await, []);
}

#[tokio::test]
async fn s133_any_json_makes_the_round_trip() {
    let (server, _heard) = clerk().await;
    let mut client = server.join("/agents/clerk/a", false).await;
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    for value in [
        json!(null),
        json!(true),
        json!(0),
        json!(-1.5e-9),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(9_007_199_254_740_993_i64),
        json!(""),
        json!("\u{0}\u{1f}\"\\/\u{2028}\u{fffd}grüße 💥 عربى"),
        json!([]),
        json!({}),
        json!([[], {}, [null, {"": {"a b": ["c"]}}]]),
        json!({ "type": "rpc", "id": "1", "done": true, "__proto__": 1, "key with \"quotes\"": [] }),
        json!("x".repeat(100_000)),
        json!((0..5_000).collect::<Vec<i32>>()),
        deep,
    ] {
        assert_eq!(client.call("echo", json!([value])).await, value);
    }
    // A value that is nested too deeply is refused and does not crash the server.
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    client.send(format!(r#"{{"type":"rpc","id":"deep","method":"echo","args":[{deep}]}}"#)).await;
    client.next().await;
    assert_eq!(client.call("getStats", json!([])).await, 1);
}

#[tokio::test]
async fn s133_arguments_are_decoded_into_types() {
    let (server, _heard) = clerk().await;
    let mut client = server.join("/agents/clerk/a", false).await;
    let (a, b) = (json!({ "xAxis": 1, "yAxis": 2.5 }), json!({ "xAxis": 3, "yAxis": 0, "unknown": 1 }));
    assert_eq!(client.call("middle", json!([a, b])).await, json!({ "xAxis": 2.0, "yAxis": 1.25 }));
    let shapes = json!(["dot", { "circle": { "radius": 3 } }, { "label": "x" }, "dot"]);
    assert_eq!(client.call("shapes", json!([shapes, true, [-3, "p"]])).await, json!([2, true, [-3, "p"]]));
    for (args, result) in [
        (json!([1]), json!([1, null, 7])),
        (json!([1, null, null]), json!([1, null, 7])),
        (json!([1, "b"]), json!([1, "b", 7])),
        (json!([1, "b", 3]), json!([1, "b", 3])),
    ] {
        assert_eq!(client.call("maybe", args).await, result);
    }
}

#[tokio::test]
async fn s133_wrong_arguments_are_a_clear_error() {
    let (server, _heard) = clerk().await;
    let mut client = server.join("/agents/clerk/a", false).await;
    for (method, args, words) in [
        ("maybe", json!([]), ["first", "missing"]),
        ("maybe", json!(["one"]), ["first", "u8"]),
        ("maybe", json!([256]), ["first", "256"]),
        ("maybe", json!([-1]), ["first", "-1"]),
        ("maybe", json!([1, 2]), ["second", "string"]),
        ("middle", json!([{ "xAxis": 1 }, {}]), ["a", "yAxis"]),
        ("shapes", json!([["square"], true, [1, ""]]), ["shapes", "square"]),
    ] {
        let text = client.call_error(method, args).await;
        assert!(words.iter().all(|word| text.contains(word)), "{method}: {text}");
        assert!(!text.contains("Internal"), "{method}: {text}");
    }
    assert_eq!(client.call("getStats", json!([])).await, 1);
    // Arguments that the method does not have are ignored.
    assert_eq!(client.call("getStats", json!([1])).await, 1);
}

#[tokio::test]
async fn s138_ids_are_any_text_and_extra_keys_do_not_matter() {
    let (server, _heard) = clerk().await;
    let mut client = server.join("/agents/clerk/a", false).await;
    for id in ["", "1", "a\"b\\c\n", "💥", &"x".repeat(128)] {
        for _twice in 0..2 {
            let call = json!({ "type": "rpc", "id": id, "method": "getStats", "args": [], "more": {} });
            client.send(call.to_string()).await;
            let answer = client.json().await;
            assert_eq!((&answer["id"], &answer["result"]), (&json!(id), &json!(1)));
        }
    }
    // White space and the order of keys do not matter either.
    client.send(" {\n\"args\" : [ ] , \"method\":\"getStats\",\"id\" : \"z\",\"type\" :\"rpc\" }\n").await;
    assert_eq!(client.json().await["id"], "z");
}

#[tokio::test]
async fn s138_what_is_not_a_call_is_a_message_and_gets_no_answer() {
    let (server, _heard) = clerk().await;
    let mut client = server.join("/agents/clerk/a", false).await;
    for text in [
        r#"{"type":"rpc","id":1,"method":"getStats","args":[]}"#,
        r#"{"type":"rpc","id":null,"method":"getStats","args":[]}"#,
        r#"{"type":"rpc","method":"getStats","args":[]}"#,
        r#"{"type":"rpc","id":"1","method":"getStats"}"#,
        r#"{"type":"rpc","id":"1","method":"getStats","args":{}}"#,
        r#"{"type":"rpc","id":"1","method":"getStats","args":null}"#,
        r#"{"type":"rpc","id":"1","args":[]}"#,
        r#"{"type":"rpc","id":"1","method":7,"args":[]}"#,
        r#"{"type":"RPC","id":"1","method":"getStats","args":[]}"#,
        r#"{"id":"1","method":"getStats","args":[]}"#,
        r#"[{"type":"rpc","id":"1","method":"getStats","args":[]}]"#,
        r#"{"type":"rpc","id":"1","method":"getStats","args":[]"#,
        r#"{"type":"cf_agent_identity","name":"x","agent":"y"}"#,
        r#"{"type":"cf_agent_mcp_servers","mcp":{}}"#,
        r#"{"type":"something else"}"#,
        r#""rpc""#,
        "null",
        "{",
        "",
        "not JSON",
    ] {
        client.send(text).await;
        assert_eq!(client.next().await.text(), format!("message: {text}"));
    }
    assert_eq!(client.call("getStats", json!([])).await, 1, "the connection stays usable");
}

#[tokio::test]
async fn s112_a_short_call_overtakes_a_long_one() {
    let (server, mut heard) = clerk().await;
    let mut client = server.join("/agents/clerk/a", false).await;
    let mut other = server.join("/agents/clerk/a", false).await;
    let long = client.start_call("wait", json!([])).await;
    assert_eq!(heard.next().await, "waiting");
    assert_eq!(client.call("getStats", json!([])).await, 1);
    assert_eq!(other.call("getStats", json!([])).await, 1);
    client.start_call("go", json!([])).await;
    assert_eq!(client.answer(&long).await["result"], "waited");
}

#[tokio::test]
async fn s112_calls_of_one_socket_start_in_order() {
    let (server, mut heard) = clerk().await;
    let mut client = server.join("/agents/clerk/a", false).await;
    for n in 0..500 {
        client.start_call("note", json!([n.to_string()])).await;
    }
    for n in 0..500 {
        assert_eq!(heard.next().await, n.to_string());
    }
}

#[tokio::test]
async fn s112_exclusive_calls_run_one_at_a_time_and_others_beside_them() {
    let (server, mut heard) = clerk().await;
    let mut client = server.join("/agents/clerk/a", false).await;
    let first = client.start_call("alone", json!(["first"])).await;
    assert_eq!(heard.next().await, "first in");
    let second = client.start_call("aloneInside", json!(["second"])).await;
    let third = client.start_call("alone", json!(["third"])).await;
    assert_eq!(client.call("getStats", json!([])).await, 1);
    assert_eq!(heard.rest(), [""; 0], "the others wait");
    for (call, words) in [
        (first, ["first out", "second in"]),
        (second, ["second out", "third in"]),
        (third, ["third out", ""]),
    ] {
        client.call("go", json!([])).await;
        client.answer(&call).await;
        for word in words.into_iter().filter(|word| !word.is_empty()) {
            assert_eq!(heard.next().await, word);
        }
    }
}

#[tokio::test]
async fn s138_an_answer_for_a_closed_connection_is_dropped() {
    let (server, mut heard) = clerk().await;
    let mut leaving = server.join("/agents/clerk/a", false).await;
    let mut staying = server.join("/agents/clerk/a", false).await;
    leaving.start_call("wait", json!([])).await;
    assert_eq!(heard.next().await, "waiting");
    leaving.close(Some((1000, "bye"))).await;
    staying.call("go", json!([])).await;
    assert_eq!(heard.next().await, "done", "the handler was not interrupted");
    assert_eq!(staying.call("getStats", json!([])).await, 1);
    assert_eq!(staying.drain().await, []);
}
