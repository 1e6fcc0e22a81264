//! A running host.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use tokio_util::task::TaskTracker;

use crate::object::{Behavior, ObjectHandle, ObjectKey, Registry};
use crate::server::origin::Origins;
use crate::server::{HostService, Limits};

/// How long sockets may take to say goodbye when the host stops.
const CLOSE_WAIT: Duration = Duration::from_secs(6);
/// How often handles of sleeping objects that nobody uses are dropped.
const SWEEP: Duration = Duration::from_secs(30);

/// A host that runs; cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    registry: Registry,
    classes: HashMap<String, Arc<dyn Behavior>>,
    limits: Limits,
    access: Access,
    routes: Option<Router>,
    objects: TaskTracker,
    sockets: TaskTracker,
    stopping: AtomicBool,
}

/// What pages of other origins may do.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) cors: bool,
    pub(super) origins: Origins,
}

impl Host {
    pub(super) fn new(
        registry: Registry,
        classes: HashMap<String, Arc<dyn Behavior>>,
        limits: Limits,
        access: Access,
        routes: Option<Router>,
        objects: TaskTracker,
    ) -> Self {
        let host = Self(Arc::new(Inner {
            registry,
            classes,
            limits,
            access,
            routes,
            objects,
            sockets: TaskTracker::new(),
            stopping: AtomicBool::new(false),
        }));
        let weak = Arc::downgrade(&host.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                match weak.upgrade() {
                    Some(host) => host.registry.sweep(),
                    None => return,
                }
            }
        });
        host
    }

    /// Returns a router with the agents under `/agents`, to merge into one of your own.
    pub fn router(&self) -> Router {
        Router::new().route_service("/agents/{*rest}", self.service())
    }

    /// Returns the host as a tower service that answers every path.
    pub fn service(&self) -> HostService {
        HostService::new(self.clone())
    }

    /// Stops the host: nothing new comes in, running handlers finish within the grace period,
    /// what they sent is delivered, then the sockets are closed with 1001.
    pub async fn shutdown(&self) {
        let Inner { registry, objects, sockets, .. } = &*self.0;
        self.0.stopping.store(true, Ordering::Release);
        registry.for_each(ObjectHandle::stop);
        objects.close();
        objects.wait().await;
        registry.for_each(|object| {
            object.hub().drop_requests();
            object.hub().close_all(1001, "server shutting down");
        });
        sockets.close();
        if tokio::time::timeout(CLOSE_WAIT, sockets.wait()).await.is_err() {
            tracing::warn!(open = sockets.len(), "sockets were still open when the host stopped");
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Acquire)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(super) fn cors(&self) -> bool {
        self.0.access.cors
    }

    pub(super) fn origins(&self) -> &Origins {
        &self.0.access.origins
    }

    pub(super) fn routes(&self) -> Option<&Router> {
        self.0.routes.as_ref()
    }

    pub(super) fn sockets(&self) -> &TaskTracker {
        &self.0.sockets
    }

    pub(super) fn class(&self, name: &str) -> Option<&Arc<dyn Behavior>> {
        self.0.classes.get(name)
    }

    pub(super) fn object(&self, key: &ObjectKey, behavior: &Arc<dyn Behavior>) -> Arc<ObjectHandle> {
        self.0.registry.object(key, behavior)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("registry", &self.0.registry).finish_non_exhaustive()
    }
}
