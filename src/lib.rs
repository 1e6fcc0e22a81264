#![cfg_attr(feature = "server", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "server"),
    doc = "The types of agents and the calls to them, without their server."
)]

#[cfg(feature = "client")]
pub use agents_client as client;
#[cfg(feature = "server")]
pub use agents_core::{
    Agent, AgentStub, Agents, CallStream, Close, ConnectRequest, Connection, Context, Host, Message, Refusal,
    Request, Response, StreamingResponse, View, current, log,
};

#[cfg(feature = "server")]
pub use agents_core::{auth, axum, bytes, http, object};
#[cfg(feature = "server")]
pub use agents_macros::sql;
pub use agents_macros::{agent, callable, hook, wire};
pub use agents_protocol::{Error, Result, serde, serde_json, wire};
pub use futures_core::Stream;

#[cfg(feature = "testing")]
pub use agents_core::testing;

/// The definition of a class of agents: what the macros implement, and who calls it.
pub mod class {
    #[cfg(feature = "server")]
    pub use agents_core::{AgentDefinition, AgentEnv, AgentInfo, AgentOptions, CallOrigin};
    pub use agents_protocol::interface::{AgentClass, Caller, Interface};
}

/// Changes of a state: what a hook is given about one, and about one that was rejected.
#[cfg(feature = "server")]
pub mod state {
    pub use agents_core::{
        Attempt, OnUnreadable, RejectionKind, StateChange, StateRejection, StateSource, UpdateResult,
    };
}

/// The limits of a host.
#[cfg(feature = "server")]
pub mod limits {
    pub use agents_core::{Limit, LimitCounts, Limits, Rate};
}

/// The counters of a host and of an object.
#[cfg(feature = "server")]
pub mod metrics {
    pub use agents_core::{HostMetrics, ObjectMetrics};
}

/// Errors beside [`Error`]: those that hooks are given, and those with details of their own.
#[cfg(feature = "server")]
pub mod errors {
    pub use agents_core::storage::{SqlError, SqlErrorKind, StorageError, visible_sql};
    pub use agents_core::{AgentError, ErrorSource, OutsideTurn, TagsError};
}

/// The storage of an agent: SQL, keys and values, and how durable a commit is.
#[cfg(feature = "server")]
pub mod storage {
    pub use agents_core::storage::{Durability, Kv, KvRange, KvReader, Migration, sql};
    pub use agents_macros::migrations;
}

/// Parts of a host for programs that serve it by themselves, or write the types of their agents by themselves.
#[cfg(feature = "server")]
pub mod server {
    pub use agents_core::{
        FailedMigration, HostService, MigrationCheck, MigrationReport, ResolveName, TypeScript,
    };
}

#[doc(hidden)]
pub mod __rt {
    #[cfg(feature = "server")]
    pub use agents_core::__rt::*;
    pub use agents_macros::WireAttributes;
    pub use agents_protocol::__rt::*;
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
    pub use crate::auth::{Admission, AdmissionRequest};
    #[cfg(feature = "server")]
    pub use crate::errors::AgentError;
    #[cfg(feature = "server")]
    pub use crate::object::AlarmInfo;
    #[cfg(feature = "server")]
    pub use crate::state::{StateChange, StateRejection, StateSource};
    #[cfg(feature = "server")]
    pub use crate::storage::migrations;
    #[cfg(feature = "server")]
    pub use crate::{
        Agents, Close, ConnectRequest, Connection, Context, Message, Refusal, Request, Response,
        StreamingResponse, View, sql,
    };
    pub use crate::{Error, Result, Stream};
    pub use agents_macros::{agent, callable, hook, wire};
    pub use agents_protocol::serde_json::json;
}

/// Guides: pages of prose whose programs are compiled.
#[cfg(feature = "server")]
pub mod guide {
    #[doc = include_str!("../docs/calls.md")]
    pub mod calls {}
    #[doc = include_str!("../docs/clients.md")]
    pub mod clients {}
    #[doc = include_str!("../docs/deployment.md")]
    pub mod deployment {}
    #[doc = include_str!("../docs/from-cloudflare.md")]
    pub mod from_cloudflare {}
    #[doc = include_str!("../docs/hibernation.md")]
    pub mod hibernation {}
    #[doc = include_str!("../docs/hooks.md")]
    pub mod hooks {}
    #[doc = include_str!("../docs/logging.md")]
    pub mod logging {}
    #[doc = include_str!("../docs/migrations.md")]
    pub mod migrations {}
    #[doc = include_str!("../docs/performance.md")]
    pub mod performance {}
    #[doc = include_str!("../docs/recipes/README.md")]
    pub mod recipes {
        #[doc = include_str!("../docs/recipes/data.md")]
        pub mod data {}
        #[doc = include_str!("../docs/recipes/live.md")]
        pub mod live {}
        #[doc = include_str!("../docs/recipes/server.md")]
        pub mod server {}
    }
    // Its programs need the feature `jwt` and a server with TLS, so `agents-tests` runs them.
    #[cfg(not(doctest))]
    #[doc = include_str!("../docs/security.md")]
    pub mod security {}
    #[doc = include_str!("../docs/state.md")]
    pub mod state {}
    #[cfg(feature = "testing")]
    #[doc = include_str!("../docs/testing.md")]
    pub mod testing {}
}
