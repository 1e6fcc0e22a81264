//! The runtime of the crate `agents`. Programs use that crate; this one holds its layers.
//!
//! Without features, this crate contains the wire protocol and the interfaces of classes, for the Rust
//! client.

mod error;
pub mod interface;
mod unwind;
pub mod wire;

#[doc(hidden)]
#[path = "rt.rs"]
pub mod __rt;
#[cfg(feature = "runtime")]
mod agent;
#[cfg(feature = "runtime")]
pub mod auth;
#[cfg(feature = "runtime")]
mod clock;
#[cfg(feature = "runtime")]
mod gateway;
#[cfg(feature = "runtime")]
mod limits;
#[cfg(feature = "runtime")]
pub mod object;
#[cfg(feature = "runtime")]
mod report;
#[cfg(feature = "runtime")]
mod sampled;
#[cfg(feature = "runtime")]
mod server;
#[cfg(feature = "runtime")]
pub mod storage;
#[cfg(feature = "runtime")]
mod typescript;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::{Error, Result};

#[cfg(feature = "runtime")]
pub use agent::{
    Agent, AgentDefinition, AgentError, AgentInfo, AgentOptions, AgentStub, Argument, Attempt, CallOrigin,
    CallStream, Callable, ConnectRequest, Connection, Context, ErrorSource, OnUnreadable, Refusal,
    RejectionKind, Request, Response, StateChange, StateRejection, StateSource, StreamingResponse, Table,
    UpdateResult, View, current,
};
#[cfg(feature = "runtime")]
pub use auth::{Admission, AdmissionRequest};
#[cfg(feature = "runtime")]
pub use gateway::{Close, IntoMessage, Message};
#[cfg(feature = "runtime")]
pub use limits::{Limit, LimitCounts, Limits, Rate};
#[cfg(feature = "runtime")]
pub use object::{
    AlarmInfo, AlarmTime, KeepAwake, ObjectMetrics, ObjectStatus, OutsideTurn, PinnedBy, TagsError,
};
#[cfg(feature = "runtime")]
pub use server::{Agents, Host, HostMetrics, HostService, ResolveName, log};
#[cfg(feature = "runtime")]
pub use typescript::TypeScript;
#[cfg(feature = "runtime")]
pub use {axum, bytes, http};
pub use {serde, serde_json};
