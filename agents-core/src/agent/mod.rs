//! Agents: state sync, read-only connections, calls and hooks on top of an object.

mod access;
mod class;
mod connections;
mod context;
mod events;
mod expected_names;
mod instance;
mod peer_calls;
mod rpc;
#[doc(hidden)]
pub mod rt;
mod state;
mod view;

pub use crate::interface::UpdateResult;
pub use crate::object::{AlarmInfo, Request, Response};
pub use access::refusal::Refusal;
pub use access::rejection::{Attempt, RejectionKind, StateRejection};
pub use class::AgentInfo;
pub use class::convert::{
    Fallible, FallibleHttp, FromHttp, FromHttpHead, HookPayload, HookResult, IntoFlag, IntoHttp, IntoState,
    IntoTags, Plain, PlainHttp, into_http,
};
pub use class::definition::{AgentDefinition, AgentEnv, AgentOptions, AgentValue, OnUnreadable};
pub use class::table::{
    Agent, Argument, Ask, Authorize, Callable, Decide, Hooks, Migrate, Serve, Start, Table, Tell, Validate,
};
pub(crate) use class::{AgentFactory, AgentObject};
pub use connections::connect_request::ConnectRequest;
pub(crate) use connections::connect_request::query_value;
pub use connections::connection::Connection;
pub use context::Context;
pub use events::{AgentError, ErrorSource, StateChange};
pub(crate) use instance::shared::AgentShared;
pub use instance::user_code::current;
pub use peer_calls::call_chain::CallOrigin;
pub use peer_calls::stub::{AgentStub, CallStream};
pub use rpc::arguments::{Arguments, Call, CallContext, FromCall, Read, stream_outcome};
pub use rpc::response_stream::StreamingResponse;
pub(crate) use state::read_stored;
pub use state::source::StateSource;
pub use view::View;
