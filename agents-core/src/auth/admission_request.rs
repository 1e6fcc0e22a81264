//! The request that the host's hook decides about.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::agent::{Agent, AgentStub, ConnectRequest};
use crate::error::{Error, Result};
use crate::interface::Interface;
use crate::object::ObjectDirectory;

/// The values that the program shares with its agents, by type.
pub(crate) type Shared = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// A request to reach an agent: a WebSocket handshake or an HTTP request.
#[derive(Clone)]
pub struct AdmissionRequest {
    pub(crate) class: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) handshake: bool,
    pub(crate) by_name: bool,
    pub(crate) request: ConnectRequest,
    pub(crate) shared: Arc<Shared>,
    pub(crate) peers: Arc<ObjectDirectory>,
}

impl AdmissionRequest {
    /// Returns the class of the agent, as it appears in its address.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// Returns whether the agent is of this class.
    pub fn is_for<A: Agent>(&self) -> bool {
        *self.class == *A::ROUTE
    }

    /// Returns the name of the agent in its [canonical form](crate::wire::name::canonical), for any spelling
    /// in the path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether this is a WebSocket handshake; otherwise it is an HTTP request.
    pub fn is_handshake(&self) -> bool {
        self.handshake
    }

    /// Returns whether the client chose the agent, by the name in its path. Otherwise
    /// [`Agents::route_to`](crate::Agents::route_to) found the agent.
    pub fn named_by_client(&self) -> bool {
        self.by_name
    }

    /// Returns the head of the request.
    pub fn request(&self) -> &ConnectRequest {
        &self.request
    }

    /// Returns a stub of an agent that knows about the admission, as [`Host::get`](crate::Host::get) does. The agent
    /// that the request is for does not wake.
    ///
    /// The name is written as clients write it: pass a name that people chose through
    /// [`escape`](crate::wire::name::escape) first. The decision must not take longer than
    /// [`Limits::handshake_timeout`](crate::Limits::handshake_timeout), calls included.
    pub fn agent<A: Interface>(&self, name: impl Into<String>) -> AgentStub<A> {
        AgentStub::new(self.peers.clone(), name.into(), None)
    }

    /// Returns the value of this type that the program shares with [`Agents::env`](crate::Agents::env).
    ///
    /// # Errors
    /// When the program shares no value of this type.
    pub fn env<E: Send + Sync + 'static>(&self) -> Result<Arc<E>> {
        let found = self.shared.get(&TypeId::of::<E>()).cloned().and_then(|env| env.downcast().ok());
        found.ok_or_else(|| {
            Error::hidden("no_env", format!("there is no env `{}`: add it with `.env(..)`", type_name::<E>()))
        })
    }
}

impl fmt::Debug for AdmissionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdmissionRequest")
            .field("class", &self.class)
            .field("name", &self.name)
            .field("handshake", &self.handshake)
            .field("by_name", &self.by_name)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
