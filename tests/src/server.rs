//! A host on a free port of this machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use agents::axum::{self, Router};
use agents::{Agents, Host, testing};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::Client;

/// Returns the seed of the chaos that all objects of a test run with, or `None` in a plain run.
fn chaos_seed() -> Option<u64> {
    let seed = std::env::var("AGENTS_TEST_CHAOS").ok()?;
    Some(seed.parse().expect("AGENTS_TEST_CHAOS is a number"))
}

/// A host that listens on a free port, with its data in a folder of its own.
#[derive(Debug)]
pub struct TestServer {
    addr: SocketAddr,
    host: Host,
    data: PathBuf,
    /// The temporary folder, which is removed with the server, unless the folder was given.
    _temporary: Option<tempfile::TempDir>,
    serving: JoinHandle<()>,
}

impl TestServer {
    /// Starts a host in a temporary folder, in chaos mode if `AGENTS_TEST_CHAOS` has a seed.
    pub async fn start(agents: Agents) -> Self {
        Self::start_in_temporary(agents, chaos_seed()).await
    }

    /// Starts a host in a temporary folder that is never in chaos mode. The reason names the data that the
    /// test keeps in memory.
    pub async fn start_resident(agents: Agents, _reason: &'static str) -> Self {
        Self::start_in_temporary(agents, None).await
    }

    /// Starts a host that gives hints, as a debug build does. The other servers give none, as a release build.
    pub async fn start_with_hints(agents: Agents) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self::serve_as_it_is(agents.hints(true), folder.path(), chaos_seed()).await;
        server._temporary = Some(folder);
        server
    }

    async fn start_in_temporary(agents: Agents, chaos: Option<u64>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self::serve(agents, folder.path(), chaos).await;
        server._temporary = Some(folder);
        server
    }

    /// Starts a host on the data of an earlier one, in chaos mode under the same condition as
    /// [`start`](Self::start).
    pub async fn start_in(agents: Agents, data: &Path) -> Self {
        Self::serve(agents, data, chaos_seed()).await
    }

    /// Starts a host on the data of an earlier one, never in chaos mode; see
    /// [`start_resident`](Self::start_resident).
    pub async fn start_resident_in(agents: Agents, data: &Path, _reason: &'static str) -> Self {
        Self::serve(agents, data, None).await
    }

    async fn serve(agents: Agents, data: &Path, chaos: Option<u64>) -> Self {
        Self::serve_as_it_is(agents.hints(false), data, chaos).await
    }

    async fn serve_as_it_is(agents: Agents, data: &Path, chaos: Option<u64>) -> Self {
        let agents = agents.data_dir(data);
        let host = match chaos {
            Some(seed) => testing::start_in_chaos(agents, seed),
            None => agents.start(),
        }
        .expect("the host starts");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let app = Router::new()
            .fallback_service(host.service())
            .into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("serving");
        });
        Self { addr, host, data: data.to_owned(), _temporary: None, serving }
    }

    /// Returns the host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the folder of the databases.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Returns the address as `host:port`.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the URL of a path on this server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Opens a socket, for example on `/agents/counter/one?mode=view`.
    pub async fn connect(&self, path: &str) -> Client {
        Client::connect(self.addr, path, &[]).await
    }

    /// Opens a socket and reads the frames that every connection gets. `state` is `true` if one of them is a
    /// state.
    pub async fn join(&self, path: &str, state: bool) -> Client {
        let mut client = self.connect(path).await;
        client.greeting(state).await;
        client
    }

    /// Stops the host in the same way as a signal, and releases the data folder.
    pub async fn shutdown(self) {
        self.host.shutdown().await;
        self.serving.abort();
        // The listener is closed when its task has ended.
        let _ = self.serving.await;
    }
}
