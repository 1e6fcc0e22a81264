//! Admission of requests by the host, before the agent is looked up.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use http::Extensions;
use tokio::time::timeout;

use crate::agent::{ConnectRequest, Refusal};
use crate::auth::{Admission, AdmissionRequest};
use crate::error::Error;
use crate::gateway::Head;
use crate::limits::Limit;
use crate::object::{ObjectKey, Work, report};
use crate::server::Host;
use crate::server::access::routes::NamedRoute;
use crate::server::http::address::{self, Address};
use crate::support::sampled::sampled;
use crate::support::unwind::Panic;
use crate::wire::close_code;
use crate::wire::name::escape;

/// The destination of a request.
#[derive(Clone, Copy)]
pub(in crate::server) enum Destination<'a> {
    /// An agent that the path names.
    Named(Address<'a>),
    /// An agent that a function finds.
    NamedRoute(&'a NamedRoute),
}

impl<'a> Destination<'a> {
    pub(in crate::server) fn class(self) -> &'a str {
        match self {
            Self::Named(address) => address.class,
            Self::NamedRoute(route) => &route.class,
        }
    }
}

impl Host {
    /// Decides whether a request is admitted, and finds the agent that it is for.
    ///
    /// The identity that the hook gives is stored in the head. The program's functions see the extensions of
    /// the request, which do not travel to the object.
    pub(in crate::server) async fn admit(
        &self,
        destination: Destination<'_>,
        head: &mut Head,
        extensions: Extensions,
        handshake: bool,
    ) -> Result<ObjectKey, Refusal> {
        let key = |name: Arc<str>| ObjectKey { class: destination.class().into(), name };
        let mut named = None;
        if let Destination::Named(address) = destination {
            // Checked before the program's functions run, so that they never see an invalid name.
            let name = self.canonical_name(address.name)?;
            if self.access().hook.is_none() {
                return Ok(key(name));
            }
            named = Some(name);
        }
        let request = ConnectRequest::of(head, extensions).map_err(Refusal::from)?;
        let decide = AssertUnwindSafe(self.decide(destination, request, handshake)).catch_unwind();
        // Only the log contains the message of a panic.
        let decide = decide.map(|decided| {
            decided.unwrap_or_else(|panic| {
                Err(Error::hidden("panic", format!("panicked: {}", Panic::new(panic))).into())
            })
        });
        let mut decide = pin!(report::deciding(destination.class().into(), named, decide));
        let decide = poll_fn(|cx| {
            let _watched = self.watchdog().begin(0, Work::Connect);
            decide.as_mut().poll(cx)
        });
        let most = self.limits().handshake_timeout;
        match timeout(most, decide).await {
            Ok(decided) => {
                let (name, admission) = decided?;
                head.origin.identity = admission.identity;
                Ok(key(name))
            }
            Err(_) => {
                self.gateway().totals.limits.record(Limit::HandshakeTimeout);
                sampled!(
                    ERROR,
                    "requests about which the host did not decide in time",
                    class = destination.class(),
                    method = "authorize",
                    "the host's functions did not decide about a request within {most:?}"
                );
                Err(Refusal::new(close_code::UNAVAILABLE, "the program did not decide in time"))
            }
        }
    }

    /// Calls the program's functions.
    async fn decide(
        &self,
        destination: Destination<'_>,
        request: ConnectRequest,
        handshake: bool,
    ) -> Result<(Arc<str>, Admission), Refusal> {
        let mut name = match destination {
            Destination::Named(address) => self.canonical_name(address.name)?,
            Destination::NamedRoute(route) => self.plain_name(&(route.find)(request.clone()).await?)?,
        };
        let Some(hook) = &self.access().hook else { return Ok((name, Admission::pass())) };
        let admission = hook(AdmissionRequest {
            class: destination.class().into(),
            name: name.clone(),
            handshake,
            by_name: matches!(destination, Destination::Named(_)),
            request,
            shared: self.shared().clone(),
            peers: self.peers().clone(),
        })
        .await?;
        if let Some(other) = &admission.name {
            name = self.plain_name(other)?;
        }
        Ok((name, admission))
    }

    /// Returns the canonical form of a name that the program gave: plain text, in which `%` is not an escape.
    fn plain_name(&self, name: &str) -> Result<Arc<str>, Refusal> {
        self.canonical_name(&escape(name)).inspect_err(|refusal| {
            sampled!(
                WARN,
                "names that the program gave",
                reason = refusal.reason(),
                "the program gave an agent an invalid name"
            );
        })
    }

    /// Returns the canonical form of a name.
    fn canonical_name(&self, name: &str) -> Result<Arc<str>, Refusal> {
        match address::canonical_name(name, self.limits().name_bytes) {
            Ok(name) => Ok(name.into()),
            Err(reason) => {
                if reason == address::TOO_LONG {
                    self.gateway().totals.limits.record(Limit::NameBytes);
                }
                Err(Refusal::bad_request(reason))
            }
        }
    }
}
