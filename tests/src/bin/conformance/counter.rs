//! The agent with a method for each rule under test.

use std::time::Duration;

use agents::axum::{http::StatusCode, response::IntoResponse};
use agents::prelude::*;
use agents::serde_json::Value;
use futures_util::stream;
use tokio::time::sleep;

use crate::gate;
use crate::open_stream::OpenStream;
use crate::types::{Change, Closed, Counter, Greeting, Seat, Who};

/// A counter with a method for each other behaviour that the tests observe.
#[agent(state = Counter, connection = Seat)]
#[derive(Default)]
pub(crate) struct TestCounter;

#[agent]
impl TestCounter {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS starts (at INTEGER NOT NULL)")?;
        sql!(cx, "CREATE TABLE IF NOT EXISTS effects (what TEXT NOT NULL)")?;
        sql!(
            cx,
            "CREATE TABLE IF NOT EXISTS closes (id TEXT NOT NULL, name TEXT, code INTEGER NOT NULL, reason TEXT NOT NULL, clean INTEGER NOT NULL)"
        )?;
        sql!(cx, "CREATE TABLE IF NOT EXISTS changes (source TEXT NOT NULL, count INTEGER NOT NULL)")?;
        sql!(cx, "INSERT INTO starts (at) VALUES ({cx.now()})")?;
        Ok(())
    }

    #[hook]
    fn authorize(&self, req: &ConnectRequest) -> Result<Seat, Refusal> {
        match req.query("token").as_deref() {
            Some("bad") => Err(Refusal::unauthorized("token refused")),
            Some("forbidden") => Err(Refusal::forbidden("not allowed")),
            _ => Ok(Seat { name: req.query("name").map(|name| name.into_owned()) }),
        }
    }

    #[hook]
    fn connection_tags(&self, req: &ConnectRequest) -> Vec<String> {
        let numbered = number(req, "tags").unwrap_or(0);
        let mut tags: Vec<String> = (0..numbered).map(|n| format!("t{n}")).collect();
        tags.extend(req.query("role").map(|role| role.into_owned()));
        tags
    }

    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("mode").as_deref() == Some("view")
    }

    #[hook]
    fn should_send_protocol_messages(&self, req: &ConnectRequest) -> bool {
        req.query("no-protocol").as_deref() != Some("1")
    }

    #[hook]
    async fn on_connect(
        &self,
        cx: &Context<Self>,
        conn: &Connection<Self>,
        req: &ConnectRequest,
    ) -> Result<()> {
        if let Some(wait) = number(req, "wait") {
            sleep(Duration::from_millis(wait)).await;
        }
        if req.query("greet").as_deref() == Some("1") {
            conn.send(&Greeting {
                kind: "greeting".to_owned(),
                name: cx.name().to_owned(),
                id: conn.id().to_owned(),
                token: req.query("token").map(|token| token.into_owned()),
                header: req.header("x-test").map(str::to_owned),
                cookie: req.cookie("session").map(str::to_owned),
                readonly: conn.is_readonly(),
                protocol: conn.is_protocol_enabled(),
                tags: conn.tags().to_vec(),
            })?;
        }
        if let Some(code) = number(req, "close") {
            let reason = req.query("reason").unwrap_or_default();
            conn.close(u16::try_from(code)?, reason)?;
        }
        Ok(())
    }

    #[hook]
    fn on_message(&self, conn: &Connection<Self>, message: Message) -> Result<()> {
        if message.text() == Some("ping") {
            return conn.send("pong");
        }
        if message.text().is_some()
            && let Ok(object @ Value::Object(_)) = message.json::<Value>()
        {
            return conn.send(&json!({ "received": object }));
        }
        conn.send(message)
    }

    #[hook]
    fn on_close(&self, cx: &Context<Self>, conn: &Connection<Self>, close: Close) -> Result<()> {
        let name = conn.try_state()?.and_then(|seat| seat.name.clone());
        sql!(
            cx,
            "INSERT INTO closes (id, name, code, reason, clean)
             VALUES ({conn.id()}, {name}, {close.code}, {close.reason}, {close.was_clean})"
        )?;
        cx.broadcast(&json!({
            "type": "left",
            "id": conn.id(),
            "name": name,
            "code": close.code,
            "reason": close.reason,
            "wasClean": close.was_clean,
        }))
    }

    #[hook]
    fn validate_state_change(&self, next: &Counter) -> Result<()> {
        if next.count < 0 {
            return Err(Error::msg("count must not be negative"));
        }
        Ok(())
    }

    #[hook]
    fn on_state_changed(&self, cx: &Context<Self>, change: StateChange<Self>) -> Result<()> {
        let source = match &change.source {
            StateSource::Client(conn) => conn.id(),
            _ => "server",
        };
        sql!(cx, "INSERT INTO changes (source, count) VALUES ({source}, {change.state.count})")?;
        Ok(())
    }

    #[hook]
    async fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<Response> {
        let (head, body) = request.into_parts();
        let query = head.uri.query().unwrap_or_default();
        if parameter(query, "fail").is_some() {
            return Err(Error::msg("secret detail in the request hook"));
        }
        if let Some(count) = parameter(query, "set") {
            cx.set_state(Counter { count: count.parse()? })?;
        }
        if parameter(query, "echo").is_some() {
            // The value is stored as it is.
            return Ok(Response::new(body.into()));
        }
        let status: StatusCode = parameter(query, "status").unwrap_or("200").parse()?;
        let header = head.headers.get("x-test").map(|value| value.to_str()).transpose()?;
        let body = body.bytes(32 << 20).await?;
        let answer = json!({
            "name": cx.name(),
            "method": head.method.as_str(),
            "path": head.uri.path(),
            "query": query,
            "header": header,
            "body": std::str::from_utf8(&body)?,
            "count": cx.state()?.count,
        });
        let headers = [("content-type", "application/json"), ("x-answer", "yes")];
        Ok((status, headers, answer.to_string()).into_response())
    }

    #[callable]
    fn increment(&self, cx: &Context<Self>, by: Option<i64>) -> Result<i64> {
        add(cx, by.unwrap_or(1))
    }

    #[callable]
    fn decrement(&self, cx: &Context<Self>) -> Result<i64> {
        add(cx, -1)
    }

    #[callable]
    fn set_count(&self, cx: &Context<Self>, n: i64) -> Result<()> {
        cx.set_state(Counter { count: n })
    }

    #[callable]
    fn get_count(&self, cx: &View<Self>) -> Result<i64> {
        Ok(cx.state()?.count)
    }

    #[callable]
    fn echo(&self, value: Value) -> Value {
        value
    }

    #[callable]
    fn sum(&self, a: i64, b: i64) -> i64 {
        a.saturating_add(b)
    }

    #[callable]
    fn nothing(&self) {}

    #[callable]
    fn return_null(&self) -> Option<i64> {
        None
    }

    #[callable]
    fn fail(&self, text: String) -> Result<()> {
        Err(Error::msg(text))
    }

    #[callable]
    fn panics(&self) {
        panic!("secret detail in a panic")
    }

    #[callable]
    async fn slow(&self, ms: u64) -> u64 {
        sleep(Duration::from_millis(ms)).await;
        ms
    }

    /// Blocks its thread until another agent calls `let_go`. Returns whether that happened in time.
    #[callable]
    fn hold(&self) -> bool {
        gate::wait(Duration::from_secs(20))
    }

    #[callable]
    fn let_go(&self) {
        gate::open();
    }

    /// Keeps the database busy until the time limit of a statement.
    #[callable]
    fn endless_query(&self, cx: &Context<Self>) -> Result<i64> {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
        cx.sql().query_one(sql, ())
    }

    /// Keeps a value in memory for a second.
    #[callable]
    async fn keep_for_a_second(&self, value: Value) -> usize {
        sleep(Duration::from_secs(1)).await;
        value.as_array().map_or(0, Vec::len)
    }

    #[callable]
    fn big(&self, bytes: usize) -> String {
        "x".repeat(bytes)
    }

    #[callable]
    async fn deferred_write(&self, cx: &Context<Self>, ms: u64) -> Result<i64> {
        sleep(Duration::from_millis(ms)).await;
        add(cx, 1)
    }

    #[callable]
    fn burst(&self, cx: &Context<Self>, n: i64) -> Result<i64> {
        for _ in 0..n {
            add(cx, 1)?;
        }
        Ok(cx.state()?.count)
    }

    #[callable]
    async fn stream_numbers(&self, out: &StreamingResponse<i64>, n: i64) -> Result<i64> {
        for number in 0..n {
            out.send(number)?;
            sleep(Duration::from_millis(5)).await;
        }
        Ok(n)
    }

    #[callable]
    fn stream_fails(&self, out: &StreamingResponse<i64>, n: i64) -> Result<()> {
        for number in 0..n {
            out.send(number)?;
        }
        Err(Error::msg("stream broke"))
    }

    #[callable]
    fn stream_returned(&self, n: i64) -> impl Stream<Item = Result<i64>> {
        stream::iter((0..n).map(Ok))
    }

    #[callable]
    fn stream_ended(&self, out: &StreamingResponse<i64>) -> Result<()> {
        out.send(1)?;
        out.end(99)?;
        // Chunks after the end are dropped. This test does not check the result of the calls.
        let _ = out.send(2);
        let _ = out.end(100);
        Ok(())
    }

    /// Returns an endless stream of numbers that stops when the caller stops reading.
    #[callable]
    fn stream_endless(&self) -> impl Stream<Item = i64> + use<> {
        let open = OpenStream::new();
        stream::unfold((0, open), async |(number, open)| {
            sleep(Duration::from_millis(2)).await;
            Some((number, (number + 1, open)))
        })
    }

    /// Returns the number of endless streams that run, in all agents.
    #[callable]
    fn open_streams(&self) -> usize {
        OpenStream::count()
    }

    #[callable]
    fn side_effect(&self, cx: &Context<Self>) -> Result<i64> {
        effect(cx)
    }

    #[callable(write)]
    fn guarded_effect(&self, cx: &Context<Self>) -> Result<i64> {
        effect(cx)
    }

    #[callable]
    fn effects(&self, cx: &View<Self>) -> Result<i64> {
        sql!(cx, "SELECT count(*) FROM effects")
    }

    #[callable]
    fn closes(&self, cx: &View<Self>) -> Result<Vec<Closed>> {
        sql!(cx, "SELECT id, name, code, reason, clean FROM closes ORDER BY rowid")
    }

    #[callable]
    fn changes(&self, cx: &View<Self>) -> Result<Vec<Change>> {
        sql!(cx, "SELECT source, count FROM changes ORDER BY rowid")
    }

    #[callable]
    fn starts(&self, cx: &View<Self>) -> Result<i64> {
        sql!(cx, "SELECT count(*) FROM starts")
    }

    #[callable]
    fn whoami(&self, cx: &View<Self>, conn: &Connection<Self>) -> Result<Who> {
        Ok(Who {
            id: conn.id().to_owned(),
            server: conn.server().to_owned(),
            agent: cx.name().to_owned(),
            tags: conn.tags().to_vec(),
            readonly: conn.is_readonly(),
            protocol: conn.is_protocol_enabled(),
            name: conn.try_state()?.and_then(|seat| seat.name.clone()),
            uri: conn.uri().map(ToString::to_string),
        })
    }

    #[callable]
    fn set_name(&self, conn: &Connection<Self>, name: String) -> Result<()> {
        conn.update_state(|seat| seat.name = Some(name))
    }

    #[callable]
    fn set_readonly(&self, conn: &Connection<Self>, flag: bool) -> Result<()> {
        conn.set_readonly(flag)
    }

    #[callable]
    fn set_readonly_of(&self, cx: &Context<Self>, id: String, flag: bool) -> Result<bool> {
        match cx.connection(&id) {
            Some(conn) => conn.set_readonly(flag).map(|()| true),
            None => Ok(false),
        }
    }

    #[callable]
    fn connection_ids(&self, cx: &Context<Self>, tag: Option<String>) -> Vec<String> {
        match tag {
            Some(tag) => cx.connections_tagged(&tag).map(|conn| conn.id().to_owned()).collect(),
            None => cx.connections().map(|conn| conn.id().to_owned()).collect(),
        }
    }

    #[callable]
    fn broadcast(&self, cx: &Context<Self>, text: String) -> Result<()> {
        cx.broadcast(text)
    }

    #[callable]
    fn broadcast_others(&self, cx: &Context<Self>, conn: &Connection<Self>, text: String) -> Result<()> {
        cx.broadcast_except(text, [conn.id()])
    }

    #[callable]
    fn send_tagged(&self, cx: &Context<Self>, tag: String, text: String) -> Result<()> {
        for conn in cx.connections_tagged(&tag) {
            conn.send(text.as_str())?;
        }
        Ok(())
    }

    #[callable]
    fn send_slice(&self, conn: &Connection<Self>) -> Result<()> {
        let buffer: Vec<u8> = (0..16).collect();
        conn.send(&buffer[3..8])
    }

    #[callable]
    fn close_me(&self, conn: &Connection<Self>, code: u16, reason: String) -> Result<()> {
        conn.close(code, reason)
    }

    #[callable]
    fn close_after(&self, conn: &Connection<Self>, code: u16, reason: String) -> Result<String> {
        for text in ["one", "two", "three"] {
            conn.send(text)?;
        }
        conn.close(code, reason)?;
        Ok("closing".to_owned())
    }

    /// Returns nothing and is not a callable: a call is refused with a message for such methods.
    #[expect(dead_code, reason = "only clients name it")]
    fn hidden(&self) {}
}

fn add(cx: &Context<TestCounter>, by: i64) -> Result<i64> {
    cx.update_state(|state| {
        state.count = state.count.saturating_add(by);
        state.count
    })
}

/// Writes a row before the state refuses a read-only caller.
fn effect(cx: &Context<TestCounter>) -> Result<i64> {
    sql!(cx, "INSERT INTO effects (what) VALUES ('effect')")?;
    add(cx, 1)
}

/// Returns a parameter of a raw query, undecoded.
fn parameter<'q>(query: &'q str, key: &str) -> Option<&'q str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value)
}

fn number(req: &ConnectRequest, key: &str) -> Option<u64> {
    req.query(key)?.parse().ok()
}
