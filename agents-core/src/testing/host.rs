//! The host of a test.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use parking_lot::Mutex;
use tokio_tungstenite::tungstenite;
use tower::ServiceExt;

use crate::agent::{Agent, Response};
use crate::error::Result;
use crate::object::{Chaos, ObjectKey};
use crate::server::{Agents, Host, Mode};
use crate::storage::Faults;
use crate::support::clock::Clock;
use crate::testing::folder::Folder;
use crate::testing::session::Clients;
use crate::testing::{TestConnection, TestObject, pipe};
use crate::wire::name;

/// Starts a host in chaos mode (see [`TestHost::chaos`]) on the machine's clock, to serve on a port.
///
/// # Errors
/// As [`Agents::start`].
pub fn start_in_chaos(agents: Agents, seed: u64) -> Result<Host> {
    agents.start_in(Mode {
        clock: Clock::default(),
        chaos: Some(Chaos::new(seed)),
        encoded: true,
        checks: false,
    })
}

type Program = Arc<dyn Fn() -> Agents + Send + Sync>;

/// A host in memory, for tests.
///
/// Use it in `#[tokio::test(start_paused = true)]`, where time passes only when all tasks wait.
/// It also works on a running clock; then [`advance`](Self::advance) really waits.
pub struct TestHost {
    /// The host, shared with the objects, which use the new host after a restart.
    host: Arc<Slot>,
    program: Program,
    faults: Arc<Faults>,
    chaos: Option<u64>,
    clock: Clock,
    folder: Folder,
}

/// The current host, `None` while it restarts, and the clients that were opened on it.
#[derive(Default)]
pub(super) struct Slot {
    host: Mutex<Option<Host>>,
    clients: Clients,
}

impl Slot {
    pub(super) fn get(&self) -> Host {
        self.host.lock().clone().expect("the host of the test runs")
    }

    /// Opens a WebSocket in memory, which stays connected while time passes.
    pub(super) async fn connect(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> std::result::Result<TestConnection, Box<tungstenite::Error>> {
        let pipe = pipe::open(self.get().service());
        let (client, _) = TestConnection::try_open(pipe, "test.local", path, headers).await?;
        self.clients.add(client.session());
        Ok(client)
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slot").field(&self.host).finish()
    }
}

impl TestHost {
    /// Starts a host; the function makes the program, once for each start.
    ///
    /// # Errors
    /// As [`Agents::start`].
    pub fn start(program: impl Fn() -> Agents + Send + Sync + 'static) -> Result<Self> {
        let program = Arc::new(program);
        Self::start_with(program, Folder::temporary(), None, Clock::start_virtual(), Arc::default())
    }

    /// Starts a host whose objects leave memory after every event. Three times out of four they hibernate;
    /// otherwise they crash, without a close, and the database is recovered from its log. Everything between
    /// the gateway and the objects is encoded and decoded, as if they were in different processes.
    ///
    /// A client that stays connected must not notice this. The seed makes the choices repeatable, as far as
    /// the order of events is the same.
    ///
    /// # Errors
    /// As [`Agents::start`].
    pub fn chaos(seed: u64, program: impl Fn() -> Agents + Send + Sync + 'static) -> Result<Self> {
        let program = Arc::new(program);
        Self::start_with(program, Folder::temporary(), Some(seed), Clock::start_virtual(), Arc::default())
    }

    /// Starts a host on a folder of your own, which is not removed.
    ///
    /// # Errors
    /// As [`Agents::start`].
    pub fn start_in(
        data: impl Into<PathBuf>,
        program: impl Fn() -> Agents + Send + Sync + 'static,
    ) -> Result<Self> {
        let folder = Folder::given(data.into());
        Self::start_with(Arc::new(program), folder, None, Clock::start_virtual(), Arc::default())
    }

    /// Starts a host on a folder of your own that records which data is synced to the disk, to simulate a
    /// power failure.
    #[doc(hidden)]
    pub fn start_recorded(
        data: impl Into<PathBuf>,
        program: impl Fn() -> Agents + Send + Sync + 'static,
    ) -> Result<Self> {
        let faults = Arc::new(Faults::default());
        faults.record();
        let folder = Folder::given(data.into());
        Self::start_on(Arc::new(program), folder, None, Clock::start_virtual(), Arc::default(), faults)
    }

    fn start_with(
        program: Program,
        folder: Folder,
        chaos: Option<u64>,
        clock: Clock,
        host: Arc<Slot>,
    ) -> Result<Self> {
        Self::start_on(program, folder, chaos, clock, host, Arc::default())
    }

    fn start_on(
        program: Program,
        folder: Folder,
        chaos: Option<u64>,
        clock: Clock,
        host: Arc<Slot>,
        faults: Arc<Faults>,
    ) -> Result<Self> {
        let mode = Mode { clock, chaos: chaos.map(Chaos::new), encoded: chaos.is_some(), checks: false };
        let agents = program().data_dir(folder.path()).faults(faults.clone());
        *host.host.lock() = Some(agents.start_in(mode)?);
        Ok(Self { host, program, faults, chaos, clock, folder })
    }

    /// Returns an agent by its type and name. The name is written as clients write it.
    ///
    /// # Panics
    /// When the text is not a valid name, such as `..`.
    pub fn agent<A: Agent>(&self, name: &str) -> TestObject {
        self.object(A::ROUTE, name)
    }

    /// Returns an object by its class, as it appears in addresses, and its name. The name is written as
    /// clients write it.
    ///
    /// # Panics
    /// When the text is not a valid name, such as `..`.
    pub fn object(&self, class: &str, name: &str) -> TestObject {
        let name = name::canonical(name).unwrap_or_else(|error| panic!("`{name}`: {error}"));
        let key = ObjectKey { class: class.into(), name: name.into() };
        TestObject { host: self.host.clone(), key }
    }

    /// Opens a WebSocket on a path, for example `/agents/chat-room/lobby?username=Ada`.
    ///
    /// # Panics
    /// When the handshake is refused.
    pub async fn connect(&self, path: &str) -> TestConnection {
        self.connect_with(path, &[]).await
    }

    /// Opens a WebSocket on a path, with headers beside those of the handshake, for example the cookie of a login.
    ///
    /// # Panics
    /// When the handshake is refused, or a header is not valid.
    pub async fn connect_with(&self, path: &str, headers: &[(&str, &str)]) -> TestConnection {
        self.host.connect(path, headers).await.expect("the handshake")
    }

    /// Sends an HTTP request, to an agent or to a route of the program.
    pub async fn request(&self, request: http::Request<Body>) -> Response {
        match self.host().service().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// Lets time pass, timer by timer.
    ///
    /// On a paused clock this takes no time; on a running one it waits. The clients that were opened on this
    /// host stay connected meanwhile, as real ones would: they answer pings and keep messages. To test a
    /// client that does not answer, wait with `tokio::time::sleep`.
    pub async fn advance(&self, time: Duration) {
        self.host.clients.stay(time).await;
    }

    /// Returns the time that agents see, in milliseconds since 1970.
    pub fn now(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Returns the host.
    pub fn host(&self) -> Host {
        self.host.get()
    }

    /// Returns the folder of the databases.
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Makes commits, syncs and writes fail.
    #[doc(hidden)]
    pub fn faults(&self) -> &Arc<Faults> {
        &self.faults
    }

    /// Stops the host as a signal would, and starts the program again on its data; the clock is not reset. A
    /// [`TestObject`] from before belongs to the new host.
    ///
    /// # Errors
    /// As [`Agents::start`].
    pub async fn restart(self) -> Result<Self> {
        let Self { host, program, chaos, clock, folder, .. } = self;
        let stopping = host.host.lock().take();
        if let Some(stopping) = stopping {
            stopping.shutdown().await;
        }
        Self::start_with(program, folder, chaos, clock, host)
    }

    /// Stops the host as a signal would.
    pub async fn shutdown(self) {
        self.host().shutdown().await;
    }
}

impl fmt::Debug for TestHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestHost")
            .field("host", &self.host)
            .field("chaos", &self.chaos)
            .finish_non_exhaustive()
    }
}
