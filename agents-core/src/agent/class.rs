//! A registered class: how its agents are made and started.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;

use crate::agent::instance::AgentInstance;
use crate::agent::scope::Scoped;
use crate::agent::{Agent, AgentCore, AgentTypes, report};
use crate::error::{Error, Result};
use crate::gateway::{Message, ResponseHead, Targets, ToGateway, ToObject};
use crate::object::{Behavior, BoxFuture, Instance, ObjectContext, Policy};
use crate::storage::Store;
use crate::wire;
use crate::wire::frame::{self, ClientFrame};

/// What a factory knows of the agent it makes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AgentInfo<'a> {
    /// The name of the agent.
    pub name: &'a str,
    /// The class of the agent, as it stands in its address.
    pub class: &'a str,
}

type Factory<A> = Box<dyn Fn(AgentInfo<'_>) -> A + Send + Sync>;
type PropsOf<A> = Arc<dyn Fn(AgentInfo<'_>) -> Option<<A as AgentTypes>::Props> + Send + Sync>;

/// A class of agents.
pub(crate) struct AgentClass<A: Agent> {
    pub(crate) factory: Factory<A>,
    pub(crate) props: Option<PropsOf<A>>,
    pub(crate) env: Arc<A::Env>,
    pub(crate) policy: Policy,
    pub(crate) attachment_bytes: usize,
    pub(crate) send_identity: bool,
}

impl<A: Agent> AgentClass<A> {
    /// The properties that the agent was first started with, or those of its first start now.
    fn props(&self, object: &ObjectContext, info: AgentInfo<'_>) -> Result<Option<A::Props>> {
        let stored = object.store(Store::props)?;
        if let Some(json) = stored {
            return Ok(Some(wire::from_json(&json)?));
        }
        let Some(props) = self.props.as_ref().and_then(|of| of(info)) else {
            return Ok(None);
        };
        let json = wire::to_json(&props)?;
        object.store(|store| store.put_props(json))?;
        Ok(Some(props))
    }
}

impl<A: Agent> Behavior for AgentClass<A> {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn start(self: Arc<Self>, object: ObjectContext) -> BoxFuture<'static, Result<Arc<dyn Instance>>> {
        Box::pin(async move {
            let key = object.key().clone();
            let info = AgentInfo { name: &key.name, class: &key.class };
            let mut agent = (self.factory)(info);
            let props = self.props(&object, info)?;
            let core = AgentCore::<A>::new(object, self.env.clone(), self.attachment_bytes);
            if let Some(on_start) = core.table.hooks.on_start {
                let parts = core.parts();
                let start = Box::pin(async move {
                    let result = on_start(&mut agent, parts, props).await;
                    result.map(|()| agent)
                });
                agent = Scoped::new(core.context(), start).await??;
            }
            let agent = Arc::new(agent);
            // Nobody else has seen this core, so the place is empty.
            let _ = core.agent.set(agent.clone());
            let instance = AgentInstance { core, agent, send_identity: self.send_identity };
            Ok(Arc::new(instance) as Arc<dyn Instance>)
        })
    }

    fn refuse(&self, object: &ObjectContext, event: ToObject, error: &Error) {
        let text = report::client_text(error, "on_start");
        let effects = match event {
            ToObject::Connect { connection, .. } => {
                // Final: between accept and identity a client that retries would lose its promise.
                vec![ToGateway::Close { connection, code: Some(4500), reason: super::refusal::cut(text) }]
            }
            ToObject::Message { connection, message: Message::Text(message) } => {
                let answer = match frame::parse(&message) {
                    ClientFrame::Rpc(call) => frame::rpc_error(call.id, &text),
                    ClientFrame::State(_) => frame::state_error(frame::STATE_REJECTED),
                    ClientFrame::Other => return,
                };
                vec![ToGateway::Send {
                    targets: Targets::One(connection),
                    message: Message::Text(answer),
                    latest: false,
                }]
            }
            ToObject::Request { request, .. } => {
                let status = StatusCode::INTERNAL_SERVER_ERROR.as_u16();
                vec![
                    ToGateway::Respond { request, head: ResponseHead { status, headers: Vec::new() } },
                    ToGateway::RespondChunk { request, chunk: Bytes::from(text) },
                    ToGateway::RespondEnd { request, complete: true },
                ]
            }
            _ => return,
        };
        for effect in effects {
            if let Err(error) = object.effect(effect) {
                tracing::error!(object = ?object.key(), %error, "a refusal was not sent");
            }
        }
    }
}

impl<A: Agent> fmt::Debug for AgentClass<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentClass").field("class", &A::CLASS).finish_non_exhaustive()
    }
}
