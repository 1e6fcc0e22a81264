#![cfg_attr(feature = "server", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "server"),
    doc = "The types of agents and the calls to them, without their server."
)]

#[cfg(feature = "client")]
pub use agents_client as client;
pub use agents_core::interface::{AgentClass, Caller, Interface};
#[cfg(feature = "server")]
pub use agents_core::storage::Durability;
#[cfg(feature = "server")]
pub use agents_core::{
    Admission, AdmissionRequest, Agent, AgentDefinition, AgentError, AgentInfo, AgentOptions, AgentStub,
    Agents, AlarmInfo, AlarmTime, Attempt, CallOrigin, CallStream, ConnectRequest, Connection, Context,
    ErrorSource, Host, HostMetrics, HostService, IntoMessage, KeepAwake, Limit, LimitCounts, Limits, Message,
    ObjectMetrics, ObjectStatus, OnUnreadable, OutsideTurn, PinnedBy, Rate, Refusal, RejectionKind, Request,
    ResolveName, Response, StateChange, StateRejection, StateSource, StreamingResponse, TagsError,
    TypeScript, UpdateResult, View, current,
};
#[cfg(feature = "server")]
pub use agents_core::{Close, auth, axum, bytes, http, object, storage};
pub use agents_core::{Error, Result, serde, serde_json, wire};
#[cfg(feature = "server")]
pub use agents_macros::sql;
pub use agents_macros::{agent, callable, hook, wire};
pub use futures_core::Stream;

#[cfg(feature = "testing")]
pub use agents_core::testing;

#[doc(hidden)]
pub mod __rt {
    pub use agents_core::__rt::*;
    #[cfg(feature = "server")]
    pub use agents_macros::WireAttributes;
}

/// The items that a program of agents needs: `use agents::prelude::*;`.
///
/// ```
/// # #[cfg(feature = "server")] {
/// use agents::prelude::*;
///
/// #[agent]
/// #[derive(Default)]
/// struct Greeter;
///
/// #[agent]
/// impl Greeter {
///     #[callable]
///     fn greet(&self, name: String) -> String {
///         format!("Hello, {name}!")
///     }
/// }
///
/// # let _ = Agents::new().register::<Greeter>(); }
/// ```
pub mod prelude {
    #[cfg(feature = "server")]
    pub use crate::{
        Admission, AdmissionRequest, AgentError, Agents, AlarmInfo, Close, ConnectRequest, Connection,
        Context, Message, Refusal, Request, Response, StateChange, StateRejection, StateSource,
        StreamingResponse, View, sql,
    };
    pub use crate::{Error, Result, Stream};
    pub use agents_core::serde_json::json;
    pub use agents_macros::{agent, callable, hook, wire};
}

/// Guides: pages of prose whose programs are compiled.
#[cfg(feature = "server")]
pub mod guide {
    #[doc = include_str!("../docs/calls.md")]
    pub mod calls {}
    #[doc = include_str!("../docs/clients.md")]
    pub mod clients {}
    #[doc = include_str!("../docs/hibernation.md")]
    pub mod hibernation {}
    #[doc = include_str!("../docs/hooks.md")]
    pub mod hooks {}
    #[doc = include_str!("../docs/security.md")]
    pub mod security {}
    #[doc = include_str!("../docs/state.md")]
    pub mod state {}
    #[cfg(feature = "testing")]
    #[doc = include_str!("../docs/testing.md")]
    pub mod testing {}
}
