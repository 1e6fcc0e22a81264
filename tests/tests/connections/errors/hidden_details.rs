//! No error reveals details: no text that a client reads names a file, SQL, a panic or a secret.

use std::sync::Arc;

use agents::axum::body::Body;
use agents::prelude::*;
use agents::testing::Faults;
use agents_tests::{Client, Received, TestServer, patient};

/// Texts that no client may ever read: paths, SQL, sources, Rust, and the secrets of the agent below.
const FORBIDDEN: [&str; 16] = [
    "/",
    "\\",
    ".rs",
    ".sqlite",
    "sqlite",
    "select",
    "insert",
    "syntax",
    "panic",
    "thread '",
    "backtrace",
    "::",
    "table",
    "secret",
    "os error",
    "errno",
];

#[wire]
#[derive(Clone, Default)]
struct Level {
    level: u8,
}

#[wire]
#[derive(Clone)]
struct Member {
    name: String,
}

#[agent(state = Level, connection = Member)]
#[derive(Default)]
struct Leaky;

#[agent]
impl Leaky {
    #[hook]
    fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        match cx.name() {
            "start-sql" => sql!(cx, "SELECT secret FROM nowhere").map(|_: Vec<String>| ()),
            "start-panic" => panic!("secret of the start"),
            _ => {
                sql!(cx, "CREATE TABLE IF NOT EXISTS secrets (secret TEXT NOT NULL UNIQUE)")?;
                Ok(())
            }
        }
    }

    #[hook]
    fn authorize(&self, cx: &Context<Self>, request: &ConnectRequest) -> Result<Member, Refusal> {
        match request.query("enter").as_deref() {
            Some("sql") => sql!(cx, "INSERT INTO nowhere VALUES ({1})").map(drop)?,
            Some("file") => {
                std::fs::read("/secret/file")?;
            }
            Some("panic") => panic!("secret of authorize"),
            Some("identity") => return Ok(request.identity()?),
            _ => {}
        };
        Ok(Member { name: "ada".to_owned() })
    }

    #[hook]
    fn connection_tags(&self, request: &ConnectRequest) -> Result<Vec<String>> {
        match request.query("enter").as_deref() {
            Some("tags") => Ok(vec!["secret".to_owned(); 20]
                .into_iter()
                .enumerate()
                .map(|(n, tag)| format!("{tag}{n}"))
                .collect()),
            Some("tag") => Ok(vec!["x".repeat(300)]),
            _ => Ok(Vec::new()),
        }
    }

    #[hook]
    fn on_connect(&self, request: &ConnectRequest) -> Result<()> {
        match request.query("enter").as_deref() {
            Some("connect") => Err(std::io::Error::other("secret of the disk"))?,
            Some("connect-panic") => panic!("secret of on_connect"),
            _ => Ok(()),
        }
    }

    #[hook]
    fn on_message(&self, message: Message) -> Result<()> {
        let _: Level = message.json()?;
        panic!("secret of on_message");
    }

    #[hook]
    fn validate_state_change(&self, next: &Level) -> Result<()> {
        match next.level {
            7 => Err(std::io::Error::other("secret of the validation"))?,
            8 => panic!("secret of the validation"),
            _ => Ok(()),
        }
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<Response> {
        let kind = request.uri().query().unwrap_or_default().to_owned();
        match kind.as_str() {
            "sql" => sql!(cx, "SELECT secret FROM nowhere").map(|_: Vec<String>| ())?,
            "file" => drop(std::fs::read("/secret/file")?),
            "panic" => panic!("secret of on_request"),
            "identity" => ConnectRequest::from(&request).identity::<Member>().map(drop)?,
            "body" => {
                let broken =
                    futures_util::stream::once(async { Err::<String, _>(std::io::Error::other("secret")) });
                return Ok(Response::new(Body::from_stream(broken)));
            }
            _ => {}
        }
        Ok(Response::new(Body::from("fine")))
    }

    #[callable]
    fn fail(&self, cx: &Context<Self>, kind: String) -> Result<()> {
        match kind.as_str() {
            "syntax" => cx.sql().execute("SELEC secret", ()).map(drop),
            "no-table" => cx.sql().execute("INSERT INTO nowhere VALUES (1)", ()).map(drop),
            "twice" => {
                sql!(cx, "INSERT INTO secrets VALUES ('a'), ('a')")?;
                Ok(())
            }
            "write" => {
                sql!(cx, "INSERT OR REPLACE INTO secrets VALUES ('written')")?;
                Ok(())
            }
            "own-tables" => cx.sql().execute("DROP TABLE _agents_meta", ()).map(drop),
            "attach" => cx.sql().execute("ATTACH '/secret/file' AS other", ()).map(drop),
            "type" => {
                sql!(cx, "INSERT OR IGNORE INTO secrets VALUES ('text')")?;
                let _: Vec<u64> = sql!(cx, "SELECT secret FROM secrets")?;
                Ok(())
            }
            "file" => std::fs::read("/secret/file").map(drop).map_err(Into::into),
            "json" => serde_json::from_str::<Level>("{\"secret\":1}").map(drop).map_err(Into::into),
            "utf8" => String::from_utf8(vec![255]).map(drop).map_err(Into::into),
            "panic" => panic!("secret of a call"),
            "index" => {
                let none: Vec<u8> = Vec::new();
                let at = none.len() + cx.name().len();
                assert!(none[at] == 1);
                Ok(())
            }
            "hidden" => Err(Error::hidden("secret", "secret: /secret/file")),
            _ => Ok(()),
        }
    }

    #[callable]
    async fn stream(&self, out: &StreamingResponse<u8>, how: String) -> Result<()> {
        out.send(1)?;
        match how.as_str() {
            "panic" => panic!("secret of a stream"),
            _ => Err(std::io::Error::other("secret of a stream"))?,
        }
    }

    #[callable]
    fn level(&self, cx: &Context<Self>, level: Level) -> Result<()> {
        cx.set_state(level)
    }

    #[callable]
    fn large(&self, cx: &Context<Self>, conn: &Connection<Self>, bytes: u32) -> Result<()> {
        let name = "x".repeat(bytes as usize);
        match bytes {
            0..=1_000_000 => conn.set_state(Member { name }),
            _ => cx.storage().put(&"k".repeat(100_000), &name),
        }
    }
}

/// Fails if a text contains details that no client may read.
fn clean(what: &str, text: &str) {
    let lower = text.to_ascii_lowercase();
    for word in FORBIDDEN {
        assert!(!lower.contains(word), "{what}: `{word}` in {text}");
    }
}

/// Checks all frames until the end of the connection, or until the agent answers a last question. Returns
/// whether the connection is still open.
async fn until_quiet(what: &str, client: &mut Client) -> bool {
    let last = "the last one";
    let call = json!({ "type": "rpc", "id": last, "method": "level", "args": [{ "level": 1 }] });
    // The connection may have ended already.
    client.try_send(call.to_string()).await;
    loop {
        match client.next().await {
            Received::Text(text) => {
                clean(what, &text);
                if text.contains(last) {
                    return true;
                }
            }
            Received::Close(_, reason) => {
                clean(what, &reason);
                return false;
            }
            Received::Binary(bytes) => panic!("{what}: {bytes:?}"),
            Received::Dropped => return false,
        }
    }
}

#[tokio::test]
async fn calls_and_states_that_fail_tell_nothing() {
    let server = TestServer::start(Agents::new().register::<Leaky>()).await;
    let mut client = server.join("/agents/leaky/one", true).await;
    let kinds = [
        "syntax",
        "no-table",
        "twice",
        "own-tables",
        "attach",
        "type",
        "file",
        "json",
        "utf8",
        "panic",
        "index",
        "hidden",
    ];
    for kind in kinds {
        let text = client.call_error("fail", json!([kind])).await;
        clean(kind, &text);
        assert!(text.starts_with("Internal error (id "), "{kind}: {text}");
    }
    // An error about the arguments is shown to the caller and reveals nothing about the agent.
    for args in [json!([]), json!([7]), json!([{ "a": 1 }]), json!([null])] {
        clean("arguments", &client.call_error("fail", args).await);
    }
    for args in
        [json!([]), json!([7]), json!([{ "level": 300 }]), json!([{ "level": "x" }]), json!([{ "other": 1 }])]
    {
        clean("arguments", &client.call_error("level", args).await);
    }
    for (method, args) in [
        ("large", json!([100_000])),
        ("large", json!([2_000_000])),
        ("stream", json!(["panic"])),
        ("stream", json!(["error"])),
        ("nothing", json!([])),
        ("on_start", json!([])),
        ("__proto__", json!([])),
        ("level", json!([{ "level": 7 }])),
        ("level", json!([{ "level": 8 }])),
    ] {
        clean(method, &client.call_error(method, args).await);
    }
    for text in [
        r#"{"type":"cf_agent_state","state":{"level":7}}"#,
        r#"{"type":"cf_agent_state","state":{"level":8}}"#,
        r#"{"type":"cf_agent_state","state":{"level":"secret"}}"#,
        r#"{"type":"cf_agent_state","state":null}"#,
        r#"{"level":1}"#,
        "no json",
        "\u{0}",
    ] {
        client.send(text).await;
    }
    client.send_bytes(vec![0, 159, 146, 150]).await;
    assert!(until_quiet("frames", &mut client).await, "the connection is still there");
}

#[tokio::test]
async fn connections_and_requests_that_fail_tell_nothing() {
    let hook = async |incoming: AdmissionRequest| -> Result<(), Refusal> {
        match incoming.request().query("door").as_deref() {
            Some("file") => std::fs::read("/secret/file").map(drop)?,
            Some("panic") => panic!("secret of the hook"),
            Some("env") => incoming.env::<String>().map(drop)?,
            _ => {}
        }
        Ok(())
    };
    let mut limits = agents::limits::Limits::default();
    (limits.message_bytes, limits.body_bytes, limits.name_bytes) = (64 * 1024, 1024, 64);
    let server = TestServer::start(Agents::new().register::<Leaky>().authorize(hook).limits(limits)).await;
    let long = "x".repeat(65);
    for path in [
        "leaky/one?door=file",
        "leaky/one?door=panic",
        "leaky/one?door=env",
        "leaky/one?enter=sql",
        "leaky/one?enter=file",
        "leaky/one?enter=panic",
        "leaky/one?enter=identity",
        "leaky/one?enter=tags",
        "leaky/one?enter=tag",
        "leaky/one?enter=connect",
        "leaky/one?enter=connect-panic",
        "leaky/start-sql",
        "leaky/start-panic",
        "leaky/..",
        "leaky/%2e%2e",
        &format!("leaky/{long}"),
        "unknown/one",
        "leaky/one?__agents_transport=capnweb",
    ] {
        let mut client = server.connect(&format!("/agents/{path}")).await;
        assert!(!until_quiet(path, &mut client).await, "{path}: it was let in");
        let address = path.split('?').next().unwrap_or_default();
        let query = path.split('=').nth(1).unwrap_or_default();
        for path in [format!("/agents/{path}"), format!("/agents/{address}?{query}")] {
            let answer = patient(reqwest::get(server.url(&path))).await.expect("an answer");
            clean(&path, &patient(answer.text()).await.expect("a body"));
        }
    }
    for kind in ["sql", "file", "panic", "identity", "body"] {
        let answer = patient(reqwest::get(server.url(&format!("/agents/leaky/one?{kind}")))).await;
        let Ok(answer) = answer else {
            assert_eq!(kind, "body", "only a body can break off");
            continue;
        };
        for (name, value) in answer.headers() {
            if name != "content-type" {
                clean(kind, &format!("{name}: {}", value.to_str().expect("text")));
            }
        }
        match patient(answer.text()).await {
            Ok(text) => {
                clean(kind, &text);
                assert!(
                    text.starts_with(r#"{"code":"internal","message":"Internal error (id "#),
                    "{kind}: {text}"
                );
            }
            Err(_) => assert_eq!(kind, "body", "only a body can break off"),
        }
    }
    let body = reqwest::Client::new().post(server.url("/agents/leaky/one")).body("x".repeat(2000));
    let answer = patient(body.send()).await.expect("an answer");
    clean("a large body", &patient(answer.text()).await.expect("a body"));
    let mut client = server.join("/agents/leaky/one", true).await;
    client.send("x".repeat(65 * 1024)).await;
    assert!(matches!(&client.end().await, Received::Close(1009, reason) if { clean("large", reason); true }));
}

#[tokio::test]
async fn a_disk_that_fails_tells_nothing() {
    let faults = Arc::new(Faults::default());
    let agents = Agents::new().register::<Leaky>().faults(faults.clone());
    let folder = tempfile::tempdir().expect("a folder");
    let server =
        TestServer::start_resident_in(agents, folder.path(), "the failure is meant for one call").await;
    let fail: [&dyn Fn(); 4] =
        [&|| faults.fail_commits(1), &|| faults.fail_syncs(1), &|| faults.fail_writes(1), &|| {
            faults.break_writes(1)
        }];
    for (n, fail) in fail.iter().enumerate() {
        let what = format!("failure {n}");
        let mut client = server.join("/agents/leaky/one", true).await;
        client.drain().await;
        fail();
        let id = client.start_call("fail", json!(["write"])).await;
        match client.try_answer(&id).await {
            Ok(answer) => {
                assert_eq!(answer["success"], false, "{what} has no effect");
                clean(&what, &answer.to_string());
            }
            Err(_) => assert!(!until_quiet(&what, &mut client).await),
        }
    }
    // A file that is not a database.
    let mut client = server.join("/agents/leaky/two", true).await;
    client.call("level", json!([{ "level": 1 }])).await;
    client.close(None).await;
    server.shutdown().await;
    let mut open = vec![folder.path().to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => open.push(path),
                false if path.to_string_lossy().contains("two") => {
                    std::fs::write(path, "no database".repeat(1000)).expect("a file")
                }
                false => {}
            }
        }
    }
    let server =
        TestServer::start_resident_in(Agents::new().register::<Leaky>(), folder.path(), "as above").await;
    let mut client = server.connect("/agents/leaky/two").await;
    assert!(!until_quiet("a broken file", &mut client).await, "the file cannot be opened");
    let answer = patient(reqwest::get(server.url("/agents/leaky/two"))).await.expect("an answer");
    assert_eq!(answer.status(), 500);
    clean("a broken file", &patient(answer.text()).await.expect("a body"));
}
