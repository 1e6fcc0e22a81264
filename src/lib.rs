#![doc = include_str!("../README.md")]

pub use agents_core::storage::Durability;
pub use agents_core::{
    Admission, Agent, AgentError, AgentInfo, AgentStub, AgentTypes, Agents, AlarmInfo, Arrival, Attempt,
    CallOrigin, ConnectRequest, Connection, Context, Error, ErrorSource, FindName, Host, HostMeter,
    HostService, IntoMessage, KeepAwake, Limit, LimitCounts, Limits, Message, Meter, ObjectStatus, Options,
    OutsideTurn, PinnedBy, Rate, Refusal, RejectionKind, ReplyStream, Request, Response, Result, StateChange,
    StateRejection, StateSource, StreamingResponse, TagsError, TypeScript, View, current,
};
pub use agents_core::{Close, auth, axum, bytes, http, object, serde, serde_json, storage, wire};
pub use agents_macros::{agent, callable, hook, sql, wire};
pub use futures_core::Stream;

#[cfg(feature = "testing")]
pub use agents_core::testing;

#[doc(hidden)]
pub use agents_core::__rt;

/// Everything a program of agents needs: `use agents::prelude::*;`.
///
/// ```
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
/// # let _ = Agents::new().register::<Greeter>();
/// ```
pub mod prelude {
    pub use crate::{
        Admission, AgentError, Agents, AlarmInfo, Arrival, Close, ConnectRequest, Connection, Context, Error,
        Message, Refusal, Request, Response, Result, StateChange, StateRejection, StateSource, Stream,
        StreamingResponse, View,
    };
    pub use agents_core::serde_json::json;
    pub use agents_macros::{agent, callable, hook, sql, wire};
}

/// Guides: pages of prose whose programs are compiled.
pub mod guide {
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
