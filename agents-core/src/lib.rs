//! The runtime of the crate `agents`. Programs use that crate; this one holds its layers.
//!
//! The layers below, which clients share, are in `agents-protocol`.

mod agent;
pub mod auth;
mod gateway;
mod limits;
pub mod object;
mod server;
pub mod storage;
mod support;
mod typescript;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "testing")]
pub mod testing;

#[doc(hidden)]
pub use agent::rt as __rt;

// The protocol, under the names that the layers use.
pub use agents_protocol::{Error, Result};
use agents_protocol::{error, interface, message, response, wire};

pub use agent::{
    Agent, AgentDefinition, AgentEnv, AgentError, AgentInfo, AgentOptions, AgentStub, Argument, Attempt,
    CallOrigin, CallStream, Callable, ConnectRequest, Connection, Context, ErrorSource, OnUnreadable,
    Refusal, RejectionKind, Request, Response, StateChange, StateRejection, StateSource, StreamingResponse,
    Table, UpdateResult, View, current,
};
pub use auth::{Admission, AdmissionRequest};
pub use gateway::{Close, IntoMessage, Message};
pub use limits::{Limit, LimitCounts, Limits, Rate};
pub use object::{
    AlarmInfo, AlarmTime, KeepAwake, ObjectMetrics, ObjectStatus, OutsideTurn, PinnedBy, TagsError,
};
pub use server::{
    Agents, FailedMigration, Host, HostMetrics, HostService, MigrationCheck, MigrationReport, ResolveName,
    log,
};
pub use typescript::TypeScript;
pub use {axum, bytes, http};
pub use {serde, serde_json};
