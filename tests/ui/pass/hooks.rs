//! Every hook, in its longest and its shortest form.

use agents::__rt::Agent;
use agents::prelude::*;

#[wire]
#[derive(Clone, Default)]
struct Counter {
    count: i64,
}

#[wire]
#[derive(Clone)]
struct Seat {
    name: Option<String>,
}

#[agent(state = Counter, connection = Seat, props = Seat)]
struct Long {
    started: bool,
}

#[agent]
impl Long {
    #[hook]
    async fn on_start(&mut self, cx: &Context<Self>, props: Option<Seat>) -> Result<()> {
        self.started = props.is_some() || !cx.name().is_empty();
        Ok(())
    }

    #[hook]
    async fn authorize(&self, cx: &Context<Self>, request: &ConnectRequest) -> Result<Seat, Refusal> {
        let _ = cx;
        Ok(Seat { name: request.query("name").map(|name| name.into_owned()) })
    }

    #[hook]
    async fn connection_tags(
        &self,
        cx: &Context<Self>,
        conn: &Connection<Self>,
        request: &ConnectRequest,
    ) -> Result<Vec<String>> {
        let _ = (cx, conn, request);
        Ok(vec!["tag".to_owned()])
    }

    #[hook]
    async fn should_connection_be_readonly(
        &self,
        cx: &View<Self>,
        conn: &Connection<Self>,
        request: &ConnectRequest,
    ) -> Result<bool> {
        let _ = (cx, conn, request);
        Ok(true)
    }

    #[hook]
    fn should_send_protocol_messages(&self, conn: &Connection<Self>, request: &ConnectRequest) -> bool {
        let _ = (conn, request);
        true
    }

    #[hook]
    async fn on_connect(
        &self,
        request: &ConnectRequest,
        conn: &Connection<Self>,
        cx: &agents::Context<Self>,
    ) -> Result<()> {
        let _ = (cx, conn, request);
        Ok(())
    }

    #[hook]
    async fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, message: Message) -> Result<()> {
        let _ = (cx, conn, message);
        Ok(())
    }

    #[hook]
    async fn on_close(&self, cx: &Context<Self>, conn: &Connection<Self>, close: Close) -> Result<()> {
        let _ = (cx, conn, close);
        Ok(())
    }

    #[hook]
    async fn on_error(&self, conn: Option<&Connection<Self>>, error: AgentError<Self>) -> Result<()> {
        let _ = (conn, error);
        Ok(())
    }

    #[hook]
    async fn on_request(
        &self,
        method: agents::http::Method,
        cx: &Context<Self>,
        agents::axum::extract::Query(query): agents::axum::extract::Query<Vec<(String, String)>>,
        body: agents::bytes::Bytes,
    ) -> Result<Response> {
        let _ = (method, cx, query, body);
        Err(Error::msg("nothing here"))
    }

    #[hook]
    fn validate_state_change(&self, next: &Counter, source: &StateSource<Self>) -> Result<()> {
        let _ = source;
        if next.count < 0 { Err(Error::msg("count must not be negative")) } else { Ok(()) }
    }

    #[hook]
    async fn on_state_changed(&self, cx: &Context<Self>, change: StateChange<Self>) -> Result<()> {
        let _ = (cx, change);
        Ok(())
    }

    #[hook]
    async fn on_state_rejected(&self, rejection: StateRejection<Long>, cx: &Context<Self>) -> Result<()> {
        let _ = (cx, rejection);
        Ok(())
    }

    #[hook]
    async fn on_alarm(&self, cx: &Context<Self>, alarm: AlarmInfo) -> Result<()> {
        cx.object().set_alarm(alarm.scheduled_time + std::time::Duration::from_secs(1))
    }

    #[hook]
    async fn on_hibernate(&self, cx: &Context<Self>) -> Result<()> {
        let _ = cx;
        Ok(())
    }
}

#[agent]
struct Short;

#[agent]
impl Short {
    #[hook]
    fn on_start(&self) {}

    #[hook]
    fn authorize(&self) -> Result<()> {
        Ok(())
    }

    #[hook]
    fn connection_tags(&self) -> [&'static str; 1] {
        ["tag"]
    }

    #[hook]
    async fn should_connection_be_readonly(&self) -> bool {
        false
    }

    #[hook]
    fn on_connect(&self) {}

    #[hook]
    fn on_message(&self, _: Message) {}

    #[hook]
    fn on_close(&self) {}

    #[hook]
    fn on_request(&self, _: Request) -> &'static str {
        "hello"
    }

    #[hook]
    fn validate_state_change(&self, _: &agents::__rt::Value) {}

    #[hook]
    fn on_state_changed(&self, change: StateChange<Self>) {
        let _ = change;
    }

    #[hook]
    fn on_alarm(&self) {}

    #[hook]
    fn on_hibernate(&self) {}
}

/// An agent that borrows its request across an await. The next agent takes the request type of axum.
#[agent]
struct Lends;

#[agent]
impl Lends {
    #[hook]
    async fn on_request(&self, method: agents::http::Method, request: Request) -> Result<String> {
        let path = path_of(&request).await.to_owned();
        let bytes = request.into_body().bytes(10).await?;
        Ok(format!("{method} {path} {}", bytes.len()))
    }
}

async fn path_of(request: &Request) -> &str {
    tokio::task::yield_now().await;
    request.uri().path()
}

#[agent]
struct Axum;

#[agent]
impl Axum {
    #[hook]
    async fn on_request(&self, request: agents::axum::extract::Request) -> Response {
        Response::new(request.into_body())
    }
}

pub(crate) fn main() {
    let hooks = &Long::table().hooks;
    assert!(hooks.on_start.is_some() && hooks.authorize.is_some() && hooks.connection_tags.is_some());
    assert!(hooks.should_connection_be_readonly.is_some() && hooks.should_send_protocol_messages.is_some());
    assert!(hooks.on_connect.is_some() && hooks.on_message.is_some() && hooks.on_close.is_some());
    assert!(hooks.on_error.is_some() && hooks.on_request.is_some() && hooks.validate_state_change.is_some());
    assert!(hooks.on_state_changed.is_some() && hooks.on_state_rejected.is_some());
    assert!(hooks.on_alarm.is_some());
    assert!(hooks.on_hibernate.is_some());
    assert!(Long::table().others.contains(&"onStart"));

    let hooks = &Short::table().hooks;
    assert!(hooks.on_error.is_none() && hooks.on_state_rejected.is_none());
    let _ = Long { started: false }.started;
    assert!(Lends::table().hooks.on_request.is_some() && Axum::table().hooks.on_request.is_some());
}
