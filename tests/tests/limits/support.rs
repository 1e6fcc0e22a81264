//! An agent whose limits the tests reach.

use std::time::Duration;

use agents::Response;
use agents::limits::{Limit, Limits};
use agents::prelude::*;
use agents::testing::TestHost;

/// The properties of a client that its agent sees.
#[wire]
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) ip: Option<String>,
}

#[agent(connection = Seen, hibernate_after = "1h")]
#[derive(Default)]
pub(crate) struct Desk;

#[agent]
impl Desk {
    #[hook]
    async fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        if cx.name().starts_with("slow") {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        Ok(())
    }

    #[hook]
    async fn authorize(&self, request: &ConnectRequest) -> Result<Seen, Refusal> {
        Ok(Seen { ip: request.client_ip().map(|ip| ip.to_string()) })
    }

    #[hook]
    fn connection_tags(&self, request: &ConnectRequest) -> Vec<String> {
        let tags = request.query("tags").unwrap_or_default();
        tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
    }

    #[hook]
    async fn on_request(&self, request: Request) -> Result<Response> {
        use agents::axum::response::IntoResponse;
        let path = request.uri().path().to_owned();
        if path.ends_with("/wait") {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        if path.ends_with("/pass-on") {
            let (mut pieces, mut len) = (request.into_body(), 0);
            while let Some(piece) = pieces.chunk().await? {
                len += piece.len();
            }
            return Ok(len.to_string().into_response());
        }
        let body = request.into_body().bytes(usize::MAX).await?;
        if path.ends_with("/think") {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        Ok(body.len().to_string().into_response())
    }

    #[callable]
    fn ip(&self, from: &Connection<Self>) -> Result<Option<String>> {
        Ok(from.state()?.ip.clone())
    }

    #[callable]
    fn keep(&self, from: &Connection<Self>, text: String) -> Result<()> {
        from.set_state(Seen { ip: Some(text) })
    }

    #[callable]
    async fn pause(&self, millis: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        millis
    }

    #[callable]
    async fn wait(&self, seconds: u64) -> u64 {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        seconds
    }
}

/// Starts a host with one class and changed limits.
pub(crate) fn host(change: impl Fn(&mut Limits) + Send + Sync + 'static) -> TestHost {
    let program = move || {
        let mut limits = Limits::default();
        change(&mut limits);
        Agents::new().register::<Desk>().limits(limits)
    };
    TestHost::start(program).expect("the host starts")
}

/// Returns the number of times that a limit was reached.
pub(crate) fn hits(host: &TestHost, limit: Limit) -> u64 {
    host.host().metrics().limits[limit]
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) async fn body(response: Response) -> String {
    let bytes = agents::axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a whole body");
    String::from_utf8(bytes.to_vec()).expect("text")
}
