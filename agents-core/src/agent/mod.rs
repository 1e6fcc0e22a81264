//! Agents: state sync, read-only connections, calls and hooks on top of an object.

mod backlog;
mod call;
mod called;
mod chain;
mod class;
mod connect;
mod connect_request;
mod connection;
mod context;
mod convert;
mod core;
mod events;
mod flags;
mod http;
mod instance;
mod life;
mod line;
mod pushed;
mod refusal;
mod rejection;
mod rights;
mod rpc;
mod scope;
mod source;
mod state;
mod stream;
mod streams;
mod stub;
mod table;
mod types;
mod view;

pub use crate::object::{AlarmInfo, Request, Response};
pub use call::{Arguments, Call, FromCall, Parts, Read, stream_outcome};
pub use chain::CallOrigin;
pub use class::AgentInfo;
pub(crate) use class::{AgentClass, AgentObject};
pub use connect_request::ConnectRequest;
pub(crate) use connect_request::query_value;
pub use connection::Connection;
pub use context::Context;
pub use convert::{
    Fallible, FromHttp, FromHttpHead, HookPayload, HookResult, IntoFlag, IntoHttp, IntoTags, Plain,
    UpdateResult,
};
pub(crate) use core::AgentCore;
pub use events::{AgentError, ErrorSource, StateChange};
pub use refusal::Refusal;
pub use rejection::{Attempt, RejectionKind, StateRejection};
pub use scope::current;
pub use source::StateSource;
pub use stream::StreamingResponse;
pub use stub::{AgentStub, ReplyStream};
pub use table::{
    Agent, Argument, Ask, Authorize, Callable, Decide, Hooks, Serve, Start, Table, Tell, Validate,
};
pub use types::{AgentTypes, AgentValue, OnUnreadable, Options};
pub use view::View;
