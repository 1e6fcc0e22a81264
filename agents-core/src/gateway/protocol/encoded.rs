//! Ports that encode and decode everything that passes them, as ports to another process would.
//!
//! Tests run the objects of a host behind them: a value that does not survive the way is found.

use std::collections::HashSet;
use std::sync::Arc;
use std::task::Context;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::gateway::{
    ConnectionInfo, ConnectionKey, GatewayPort, HubMetrics, MemoryPermit, ObjectPort, PostError, RequestKey,
    ToGateway, ToObject,
};

/// A port whose messages, questions and answers are encoded and decoded on the way.
#[derive(Debug)]
pub(crate) struct Encoded<P: ?Sized>(pub(crate) Arc<P>);

/// Returns the value that another process would read.
fn sent<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let bytes = serde_json::to_vec(value).expect("a message between gateway and object can be encoded");
    serde_json::from_slice(&bytes).expect("a message between gateway and object can be decoded")
}

impl<P: ObjectPort + ?Sized> ObjectPort for Encoded<P> {
    fn post(&self, mut message: ToObject, cx: &Context<'_>) -> Result<(), PostError> {
        // A share of a memory budget stays in its process.
        let permit = message.permit().map(std::mem::take);
        let mut message = sent(&message);
        if let Some((target, permit)) = message.permit().zip(permit) {
            *target = permit;
        }
        self.0.post(message, cx)
    }

    fn address(&self) -> (&str, &str) {
        self.0.address()
    }
}

impl ToObject {
    fn permit(&mut self) -> Option<&mut MemoryPermit> {
        match self {
            Self::Message { permit, .. } | Self::Request { permit, .. } | Self::BodyChunk { permit, .. } => {
                Some(permit)
            }
            _ => None,
        }
    }
}

impl<P: GatewayPort + ?Sized> GatewayPort for Encoded<P> {
    fn apply(&self, messages: &mut [ToGateway]) {
        let mut messages: Vec<_> = messages.iter().map(sent).collect();
        self.0.apply(&mut messages);
    }

    fn connection(&self, key: ConnectionKey) -> Option<ConnectionInfo> {
        sent(&self.0.connection(sent(&key)))
    }

    fn connections(&self) -> Vec<ConnectionInfo> {
        sent(&self.0.connections())
    }

    fn key_of(&self, id: &str) -> Option<ConnectionKey> {
        sent(&self.0.key_of(&sent(&id.to_owned())))
    }

    fn has_connection(&self, key: ConnectionKey) -> bool {
        sent(&self.0.has_connection(sent(&key)))
    }

    fn has_connections(&self) -> bool {
        sent(&self.0.has_connections())
    }

    fn unaccepted(&self) -> HashSet<ConnectionKey> {
        sent(&self.0.unaccepted())
    }

    fn waiting_bytes(&self, key: ConnectionKey) -> usize {
        sent(&self.0.waiting_bytes(sent(&key)))
    }

    fn has_pending_closes(&self) -> bool {
        sent(&self.0.has_pending_closes())
    }

    fn has_request(&self, request: RequestKey) -> bool {
        sent(&self.0.has_request(sent(&request)))
    }

    fn metrics(&self) -> HubMetrics {
        sent(&self.0.metrics())
    }

    fn try_retire(&self) -> bool {
        sent(&self.0.try_retire())
    }

    fn unretire(&self) {
        self.0.unretire();
    }
}
