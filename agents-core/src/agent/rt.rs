//! Items that the expansions of the macros use for servers. They are not part of the public API.

pub use crate::agent::{
    Agent, AgentDefinition, AgentEnv, AgentError, AgentOptions, AgentValue, AlarmInfo, Argument, Arguments,
    Ask, Authorize, Call, CallContext, Callable, ConnectRequest, Connection, Context, Decide, Fallible,
    FallibleHttp, FromCall, FromHttp, FromHttpHead, HookPayload, HookResult, Hooks, IntoFlag, IntoHttp,
    IntoState, IntoTags, Migrate, OnUnreadable, Plain, PlainHttp, Read, Refusal, Request, Response, Serve,
    Start, StateChange, StateRejection, StateSource, StreamingResponse, Table, Tell, Validate, View,
    into_http, stream_outcome,
};
pub use crate::gateway::{Close, Message};
pub use crate::object::BoxFuture;
pub use crate::storage::Migration;
pub use crate::storage::sql::{
    Column, ColumnRef, FromColumn, FromRow, FromRows, Params, Row, ToColumn, column_as_wire, row_as_column,
    row_as_struct, wire_as_column,
};

/// A boxed stream that can move between threads.
pub type BoxStream<'a, T> = std::pin::Pin<Box<dyn futures_core::Stream<Item = T> + Send + 'a>>;
