//! A running host.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;

use crate::agent::AgentStub;
use crate::auth::Shared;
use crate::error::{Error, Result};
use crate::gateway::{Encoded, Gateway, Hub, ObjectPort, ToGateway};
use crate::interface::Interface;
use crate::limits::Limit;
use crate::limits::Limits;
use crate::object::{
    Behavior, Known, ObjectDirectory, ObjectHandle, ObjectKey, ObjectStatus, Registry, Watchdog,
};
use crate::server::access::config::Access;
use crate::server::access::rate_limits::AddressRateLimits;
use crate::server::http::address;
use crate::server::http::open_files::FileWatch;
use crate::server::peers::Peers;
use crate::server::{HostMetrics, HostService, events};
use crate::storage::AlarmIndex;
use crate::wire::name;

/// The time that sockets have for their close handshake when the host stops.
const CLOSE_WAIT: Duration = Duration::from_secs(6);
/// The interval at which unused handles of hibernating objects are dropped.
const SWEEP: Duration = Duration::from_secs(30);
/// The interval at which a stopping host checks the objects that are left.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// The number of checks in a row without progress after which the disk counts as not answering.
const STALLED_CHECKS: u32 = 10;
/// The maximum number of agents that one log line names.
const NAMED: usize = 10;

/// A running host; cheap to clone.
#[derive(Clone)]
pub struct Host(pub(super) Arc<Inner>);

pub(super) struct Inner {
    registry: Registry<Hub>,
    gateway: Arc<Gateway>,
    program: Program,
    rate_limits: AddressRateLimits,
    objects: TaskTracker,
    sockets: TaskTracker,
    /// Tasks besides those of objects and sockets.
    services: TaskTracker,
    stopping: AtomicBool,
    /// A test mode: everything between the gateway and the objects is encoded and decoded.
    encoded: bool,
    /// The host converts copies and serves nothing, so the log has no start and no stop.
    checks: bool,
}

/// The function that makes the routes of the program beside the agents.
pub(super) type Routes = Box<dyn Fn(&Host) -> Router + Send + Sync>;

/// The program's configuration of its host.
pub(super) struct Program {
    pub(super) classes: HashMap<String, Arc<dyn Behavior>>,
    pub(super) access: Access,
    pub(super) shared: Arc<Shared>,
    pub(super) routes: Option<Routes>,
}

impl Host {
    pub(super) fn new(
        registry: Registry<Hub>,
        gateway: Arc<Gateway>,
        program: Program,
        objects: TaskTracker,
        encoded: bool,
        checks: bool,
    ) -> Self {
        let host = Self(Arc::new(Inner {
            registry,
            rate_limits: AddressRateLimits::new(&gateway.limits, gateway.clone()),
            gateway,
            program,
            objects,
            sockets: TaskTracker::new(),
            services: TaskTracker::new(),
            stopping: AtomicBool::new(false),
            encoded,
            checks,
        }));
        host.0.registry.environment().peers.set(Peers(Arc::downgrade(&host.0)));
        let weak = Arc::downgrade(&host.0);
        host.0.registry.environment().watchdog.names(move |address| weak.upgrade()?.registry.at(address));
        let weak = Arc::downgrade(&host.0);
        let crowded = host.0.registry.crowded();
        tokio::spawn(async move {
            let mut next = Instant::now() + SWEEP;
            let mut files = FileWatch::new();
            loop {
                let in_time = tokio::select! {
                    () = sleep_until(next) => true,
                    () = crowded.notified() => false,
                };
                let Some(host) = weak.upgrade() else { return };
                host.registry.sweep();
                if in_time {
                    host.rate_limits.sweep();
                    let databases = host.registry.environment().databases.load(Ordering::Relaxed);
                    files.look(host.gateway.metrics().all.sockets, databases);
                    next = Instant::now() + SWEEP;
                }
            }
        });
        host
    }

    /// Starts the task that wakes objects for their alarms.
    pub(super) fn start_alarms(&self, index: AlarmIndex) {
        let environment = self.0.registry.environment();
        let weak = Arc::downgrade(&self.0);
        let find = move |key: &ObjectKey| {
            let host = weak.upgrade()?;
            let behavior = host.program.classes.get(&*key.class)?;
            Some(host.registry.object(key, behavior).handle)
        };
        let posts = self.0.services.clone();
        let run = environment.alarms.clone().run(index, environment.clock, Box::new(find), posts);
        self.0.services.spawn(run);
    }

    /// Returns a stub of an agent, for routes and tasks of the program; a method called on the stub runs in
    /// the agent.
    ///
    /// The name is written as clients write it: escapes are decoded, see
    /// [`canonical`](crate::wire::name::canonical). Pass a name that people chose through
    /// [`escape`](crate::wire::name::escape) first.
    ///
    /// ```
    /// use agents_core::axum::{Router, routing::get};
    /// use agents_core::{Host, Result};
    /// use agents_protocol::interface::Interface;
    ///
    /// async fn rooms<Lobby: Interface>(host: Host) -> Result<String> {
    ///     let rooms: u32 = host.get::<Lobby>("main").call("count", ("rooms",)).await?;
    ///     Ok(rooms.to_string())
    /// }
    ///
    /// fn routes<Lobby: Interface>() -> Router {
    ///     Router::new().route("/rooms", get(rooms::<Lobby>))
    /// }
    /// ```
    pub fn get<A: Interface>(&self, name: impl Into<String>) -> AgentStub<A> {
        AgentStub::new(self.peers().clone(), name.into(), None)
    }

    /// Finds an agent that is called, by any spelling of its name.
    pub(super) fn callee(&self, class: &str, name: &str) -> Result<(ObjectKey, Arc<dyn Behavior>)> {
        let unknown = |why: String| Error::new("unknown_agent", why);
        let behavior = self.class(class).filter(|behavior| behavior.options().takes_calls);
        let behavior =
            behavior.ok_or_else(|| unknown(format!("no agents of the class `{class}` are registered")))?;
        let name = address::canonical_name(name, self.limits().name_bytes);
        let name = name.map_err(|why| unknown(why.to_owned()))?;
        Ok((ObjectKey { class: class.into(), name: name.into() }, behavior.clone()))
    }

    /// Returns the status of an agent or object, by its class as it appears in addresses and its name.
    /// Returns `None` if the object hibernates and has no connections, or never existed.
    ///
    /// The field `pinned_by` of the status has the reasons why the object cannot hibernate.
    pub fn status(&self, class: &str, name: &str) -> Option<ObjectStatus> {
        let name = name::canonical(name).ok()?;
        let key = ObjectKey { class: class.into(), name: name.into() };
        self.0.registry.find(&key).map(|object| object.status())
    }

    /// Returns the status of all objects that are awake or have connections, in no particular order.
    ///
    /// This visits each object: use it for operators, and not for every request.
    pub fn statuses(&self) -> Vec<ObjectStatus> {
        let mut all = Vec::new();
        self.0.registry.for_each(|object| all.push(object.status()));
        all
    }

    /// Returns the usage of all objects together since the host started.
    pub fn metrics(&self) -> HostMetrics {
        let (objects, awake) = self.0.registry.metrics();
        let sockets = self.0.gateway.metrics();
        HostMetrics {
            objects,
            awake,
            known: self.0.registry.len(),
            connections: sockets.all.sockets,
            opened: sockets.opened,
            closed: sockets.closed,
            refused: sockets.refused,
            overflowed: sockets.limits[Limit::OutboxBytes] + sockets.limits[Limit::OutgoingBytes],
            timed_out: sockets.limits[Limit::HeartbeatTimeout],
            auto_responses: sockets.auto_responses,
            limits: sockets.limits,
            incoming_bytes: self.0.gateway.incoming.used(),
            outgoing_bytes: self.0.gateway.outgoing.used(),
            blocked: self.watchdog().blocked(),
        }
    }

    /// Returns a router with the agents under `/agents` and the paths of
    /// [`Agents::route_to`](crate::Agents::route_to), to merge into one of your own.
    ///
    /// The program's own routes ([`Agents::routes`](crate::Agents::routes)) are not in it; [`service`](Self::service) has them.
    pub fn router(&self) -> Router {
        let service = self.service();
        let mut router = Router::new().route_service("/agents/{*rest}", service.clone());
        for path in self.access().routes.paths() {
            for path in [format!("{path}/"), format!("{path}/{{*rest}}"), path] {
                router = router.route_service(&path, service.clone());
            }
        }
        router
    }

    /// Returns the host as a tower service that answers every path.
    pub fn service(&self) -> HostService {
        HostService::new(self.clone())
    }

    /// Stops the host. New connections and requests are refused, running handlers finish within the grace
    /// period, their messages are delivered, then the sockets are closed with 1001.
    ///
    /// After the grace period the host abandons agents whose handler still blocks a thread, and agents whose
    /// database waits for a disk that has finished nothing for a second. Their clients get no answer for
    /// writes that are not on the disk. Such a thread runs until its handler or the disk is done, and keeps
    /// the data folder locked until then. A runtime that is dropped waits for it;
    /// [`Agents::serve`](crate::Agents::serve) ends the process, and a program that serves by itself calls
    /// `Runtime::shutdown_background` or `std::process::exit`.
    pub async fn shutdown(&self) {
        self.stop("Host::shutdown").await;
    }

    /// Stops the host for a reason, which the log names.
    pub(super) async fn stop(&self, reason: &str) {
        let Inner { registry, objects, sockets, services, .. } = &*self.0;
        let (is_first, began) = (!self.0.stopping.swap(true, Ordering::AcqRel), Instant::now());
        let is_logged = is_first && !self.0.checks;
        if is_logged {
            events::stopping(reason, self.0.gateway.metrics().all.sockets);
        }
        let environment = registry.environment();
        environment.alarms.stop_waking();
        registry.stop();
        objects.close();
        self.until_asleep().await;
        environment.alarms.stop();
        services.close();
        self.until_alarms_are_written().await;
        registry.for_each(|object| object.gateway.apply(&mut [ToGateway::Shut]));
        sockets.close();
        if tokio::time::timeout(CLOSE_WAIT, sockets.wait()).await.is_err() {
            tracing::warn!(open = sockets.len(), "sockets were still open when the host stopped");
        }
        if is_logged {
            events::stopped(reason, began.elapsed());
        }
    }

    /// Waits until no object is awake. After the grace period, objects whose handler blocks its thread and
    /// objects that wait for a disk that does not answer are abandoned.
    async fn until_asleep(&self) {
        let objects = &self.0.objects;
        let environment = self.0.registry.environment();
        let (mut pause, mut last, mut still) = (environment.limits.shutdown_grace, usize::MAX, 0);
        while tokio::time::timeout(pause, objects.wait()).await.is_err() {
            pause = CHECK_INTERVAL;
            let left = objects.len();
            still = if left < last { 0 } else { still + 1 };
            last = left;
            let blocked = environment.watchdog.blocked_now();
            let waiting = if still >= STALLED_CHECKS { self.0.registry.on_disk() } else { Vec::new() };
            if left > blocked + waiting.len() {
                continue;
            }
            if blocked > 0 {
                tracing::warn!(blocked, "handlers still block their threads and are abandoned");
            }
            if !waiting.is_empty() {
                let agents = &waiting[..waiting.len().min(NAMED)];
                tracing::warn!(
                    waiting = waiting.len(),
                    ?agents,
                    "the disk does not answer: the last writes of these agents are not acknowledged, and the agents are abandoned"
                );
            }
            return;
        }
    }

    /// Waits until all alarms are written to the index, or the disk does not answer.
    async fn until_alarms_are_written(&self) {
        let services = &self.0.services;
        while tokio::time::timeout(CHECK_INTERVAL * STALLED_CHECKS, services.wait()).await.is_err() {
            let index = self.0.registry.environment().alarms.is_on_disk();
            if index || !self.0.registry.on_disk().is_empty() {
                tracing::warn!(
                    index,
                    "the disk does not answer: the remaining updates of the alarm index are dropped"
                );
                return;
            }
        }
    }

    /// Returns whether a handler or the disk holds a thread of the runtime at this moment, so that the runtime
    /// cannot shut down.
    pub(super) fn is_held(&self) -> bool {
        let index = self.0.registry.environment().alarms.is_on_disk();
        self.watchdog().blocked_now() > 0 || index || !self.0.registry.on_disk().is_empty()
    }

    /// Returns the handle of an object, if there is one.
    #[cfg(feature = "testing")]
    pub(crate) fn find(&self, key: &ObjectKey) -> Option<Arc<ObjectHandle>> {
        self.0.registry.find(key)
    }

    #[cfg(feature = "testing")]
    pub(crate) fn environment(&self) -> &crate::object::Environment {
        self.0.registry.environment()
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Acquire)
    }

    pub(super) fn watchdog(&self) -> &Watchdog {
        &self.0.registry.environment().watchdog
    }

    pub(super) fn gateway(&self) -> &Gateway {
        &self.0.gateway
    }

    pub(super) fn shared_gateway(&self) -> Arc<Gateway> {
        self.0.gateway.clone()
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.gateway.limits
    }

    pub(super) fn access(&self) -> &Access {
        &self.0.program.access
    }

    pub(super) fn peers(&self) -> &Arc<ObjectDirectory> {
        &self.0.registry.environment().peers
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0.program.shared
    }

    pub(super) fn rate_limits(&self) -> &AddressRateLimits {
        &self.0.rate_limits
    }

    /// Makes the routes of the program. They may hold the host, so the host does not hold them.
    pub(super) fn routes(&self) -> Option<Router> {
        self.0.program.routes.as_ref().map(|routes| routes(self))
    }

    pub(super) fn sockets(&self) -> &TaskTracker {
        &self.0.sockets
    }

    /// Returns the names of the classes.
    pub(super) fn classes(&self) -> impl Iterator<Item = &str> {
        self.0.program.classes.keys().map(String::as_str)
    }

    pub(super) fn class(&self, name: &str) -> Option<&Arc<dyn Behavior>> {
        self.0.program.classes.get(name)
    }

    /// Returns the handle of an object.
    pub(super) fn handle(&self, key: &ObjectKey, behavior: &Arc<dyn Behavior>) -> Arc<ObjectHandle> {
        self.0.registry.object(key, behavior).handle
    }

    /// Returns the gateway's side of an object, and its way to the object.
    pub(super) fn object(
        &self,
        key: &ObjectKey,
        behavior: &Arc<dyn Behavior>,
    ) -> (Arc<Hub>, Arc<dyn ObjectPort>) {
        let Known { handle, gateway } = self.0.registry.object(key, behavior);
        let port: Arc<dyn ObjectPort> = if self.0.encoded { Arc::new(Encoded(handle)) } else { handle };
        (gateway, port)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("registry", &self.0.registry).finish_non_exhaustive()
    }
}
