//! Items that the expansions of the macros use. They are not part of the public API.

pub use std::boxed::Box;
pub use std::option::Option;
pub use std::result::Result;
pub use std::string::String;
pub use std::sync::Arc;
pub use std::time::Duration;
pub use std::vec::Vec;

pub use serde_json::Value;
pub use {serde, serde_json};

pub use crate::error::Error;
pub use crate::interface::{AgentClass, AgentState, CallArguments, Caller, Interface, Outcome, Reply};
pub use crate::wire::types::field::{self as wire_field, SerdeField};
pub use crate::wire::{JsonMessage, Wire};

#[cfg(feature = "runtime")]
pub use server::*;

/// Items that only the expansions of published agents use.
#[cfg(feature = "runtime")]
mod server {
    pub use crate::wire::KeyFacts;
    pub use crate::wire::types::derive as ts_rs;

    pub use crate::agent::{
        Agent, AgentDefinition, AgentError, AgentOptions, AgentValue, AlarmInfo, Argument, Arguments, Ask,
        Authorize, Call, CallContext, Callable, ConnectRequest, Connection, Context, Decide, Fallible,
        FromCall, FromHttp, FromHttpHead, HookPayload, HookResult, Hooks, IntoFlag, IntoHttp, IntoState, IntoTags,
        Migrate,
        OnUnreadable, Plain, Read, Refusal, Request, Response, Serve, Start, StateChange, StateRejection,
        StateSource, StreamingResponse, Table, Tell, Validate, View, stream_outcome,
    };
    pub use crate::gateway::{Close, Message};
    pub use crate::object::BoxFuture;
    pub use crate::storage::Migration;
    pub use crate::storage::sql::{
        Column, ColumnRef, FromColumn, FromRow, FromRows, Params, Row, ToColumn, column_as_wire,
        row_as_struct, wire_as_column,
    };

    /// The names of the prelude, with the meaning that the derive of `ts_rs` expects.
    pub mod standard {
        pub use ::std::option::Option::{self, None, Some};
        pub use ::std::string::String;

        /// The part of the crate `std` that the derive uses.
        pub mod std {
            pub use ::std::{fmt, path};
        }
    }

    /// A boxed stream that can move between threads.
    pub type BoxStream<'a, T> = std::pin::Pin<Box<dyn futures_core::Stream<Item = T> + Send + 'a>>;
}
