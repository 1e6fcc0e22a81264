//! The client against real agents.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use agents::axum::{Router, serve};
use agents::prelude::*;
use agents_client::{AgentClient, AgentClientBuilder, ClientError, Reconnect, StreamExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[wire]
#[derive(Clone, Debug, Default, PartialEq)]
struct Tally {
    count: i64,
}

#[agent(state = Tally)]
#[derive(Default)]
struct TallyKeeper;

#[agent]
impl TallyKeeper {
    #[hook]
    fn authorize(&self, req: &ConnectRequest) -> Result<(), Refusal> {
        match req.query("token").as_deref() {
            Some("bad") => Err(Refusal::unauthorized("token refused")),
            _ => Ok(()),
        }
    }

    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("mode").as_deref() == Some("view")
    }

    #[hook]
    fn validate_state_change(&self, next: &Tally) -> Result<()> {
        if next.count < 0 {
            return Err(Error::msg("negative"));
        }
        Ok(())
    }

    #[hook]
    fn on_connect(&self, conn: &Connection<Self>) -> Result<()> {
        conn.send(format!("hello {}", conn.id()))
    }

    #[callable]
    fn add(&self, cx: &Context<Self>, by: i64) -> Result<i64> {
        cx.update_state(|tally| {
            tally.count += by;
            tally.count
        })
    }

    #[callable]
    async fn never(&self) {
        std::future::pending().await
    }

    #[callable]
    fn up_to(&self, out: &StreamingResponse<i64>, n: i64) -> Result<i64> {
        for i in 0..n {
            out.send(i)?;
        }
        Ok(n)
    }
}

/// Real agents on a real port.
struct Server {
    host: agents::Host,
    address: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(data: &Path, address: &str) -> Self {
        let mut limits = agents::limits::Limits::default();
        // One call below never ends, so the shutdown waits only for a short time.
        limits.shutdown_grace = Duration::from_millis(100);
        let host = Agents::new().data_dir(data).limits(limits).register::<TallyKeeper>().start().unwrap();
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = Router::new().fallback_service(host.service()).into_make_service();
        let task = tokio::spawn(async move { serve(listener, service).await });
        Self { host, address, task }
    }

    fn client(&self) -> AgentClientBuilder {
        AgentClient::dynamic_builder(format!("http://{}", self.address), "TallyKeeper", "one")
            .reconnect(Reconnect::new().min_delay(Duration::from_millis(20)))
    }

    async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
        self.host.shutdown().await;
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("the test hangs")
}

#[tokio::test]
async fn calls_streams_state_and_messages() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), "127.0.0.1:0").await;
    let one = server.client().connect().await.unwrap();
    let two = server.client().connect().await.unwrap();
    let identity = soon(one.identity()).await.unwrap();
    assert_eq!((identity.name.as_str(), identity.agent.as_str()), ("one", "tally-keeper"));
    assert_eq!(one.state_as::<Tally>().unwrap(), Some(Tally { count: 0 }));
    let hello = soon(one.messages().next()).await.unwrap().unwrap();
    assert_eq!(hello.as_text().unwrap(), format!("hello {}", one.connection_id()));

    soon(two.identity()).await.unwrap();
    let mut changes = two.state();
    assert_eq!(soon(changes.next()).await.unwrap().unwrap()["count"], 0);
    assert_eq!(soon(one.call::<i64>("add", (5,))).await.unwrap(), 5);
    // The state arrives before the answer.
    assert_eq!(one.state_as::<Tally>().unwrap(), Some(Tally { count: 5 }));
    assert_eq!(soon(changes.next()).await.unwrap().unwrap()["count"], 5);

    one.set_state(&Tally { count: 9 }).await.unwrap();
    assert_eq!(soon(changes.next()).await.unwrap().unwrap()["count"], 9);
    one.set_state(&Tally { count: -1 }).await.unwrap();
    let refusal = soon(one.state_rejections().next()).await.unwrap().unwrap();
    assert_eq!(refusal, "State update rejected");
    assert_eq!(one.state_as::<Tally>().unwrap(), Some(Tally { count: 9 }));

    let numbers = soon(one.call_streaming::<i64>("upTo", (3,))).await.unwrap();
    assert_eq!(soon(numbers.finish::<i64>()).await.unwrap(), 3);
    let error = soon(one.call::<()>("nope", ())).await.unwrap_err();
    assert!(matches!(error, ClientError::Rpc(text) if text == "Method nope does not exist"));
    soon(one.close(1000, "bye")).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn refusals_are_final_and_viewers_cannot_write() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), "127.0.0.1:0").await;
    let refused = server.client().query("token", "bad").connect().await.unwrap();
    let error = soon(refused.identity()).await.unwrap_err();
    assert!(
        matches!(&error, ClientError::Refused { code: 4401, reason } if reason == "token refused"),
        "{error:?}"
    );

    let viewer = server.client().query("mode", "view").connect().await.unwrap();
    soon(viewer.identity()).await.unwrap();
    let error = soon(viewer.call::<i64>("add", (1,))).await.unwrap_err();
    assert!(matches!(error, ClientError::Rpc(text) if text == "Connection is readonly"));
    viewer.set_state(&Tally { count: 7 }).await.unwrap();
    let refusal = soon(viewer.state_rejections().next()).await.unwrap().unwrap();
    assert_eq!(refusal, "Connection is readonly");
    assert_eq!(viewer.state_as::<Tally>().unwrap(), Some(Tally { count: 0 }));
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_restarts_finds_its_clients_again() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), "127.0.0.1:0").await;
    let address = server.address.to_string();
    let client = server.client().connect().await.unwrap();
    assert_eq!(soon(client.call::<i64>("add", (1,))).await.unwrap(), 1);
    let never = tokio::spawn({
        let client = client.clone();
        async move { client.call::<()>("never", ()).await }
    });
    // Frames keep their order, so `never` has been sent when this call is answered.
    assert_eq!(soon(client.call::<i64>("add", (1,))).await.unwrap(), 2);
    let mut status = client.status();
    soon(server.stop()).await;
    let error = soon(never).await.unwrap().unwrap_err();
    // A server that shuts down in order may still answer with an error. The call must not hang.
    assert!(matches!(error.code(), "disconnected" | "rpc"), "{error:?}");
    soon(status.wait_for(|status| !status.is_open())).await.unwrap();
    let buffered = tokio::spawn({
        let client = client.clone();
        async move { client.call::<i64>("add", (1,)).await }
    });
    let server = Server::start(data.path(), &address).await;
    assert_eq!(soon(buffered).await.unwrap().unwrap(), 3);
    soon(client.identity()).await.unwrap();
    assert_eq!(client.state_as::<Tally>().unwrap(), Some(Tally { count: 3 }));
    server.stop().await;
}
