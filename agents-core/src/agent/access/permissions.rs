//! Permissions of a caller, checked before a call and at each write of a strict agent.

use std::sync::Arc;

use crate::agent::access::write_access::GuardedCaller;
use crate::agent::peer_calls::call_chain::CallChain;
use crate::agent::{
    AgentDefinition, AgentShared, Attempt, Call, CallContext, Callable, Connection, Context, RejectionKind,
    StateSource,
};
use crate::error::{Error, Result};
use crate::object::report;
use crate::wire::frame;

impl<A: AgentDefinition> AgentShared<A> {
    /// Returns a context that acts on behalf of a connection.
    pub(in crate::agent) fn context_of(
        self: &Arc<Self>,
        connection: &Connection<A>,
        callable: Option<&'static str>,
    ) -> Context<A> {
        let caller = || GuardedCaller { core: self.clone(), connection: connection.clone(), callable };
        let guarded = self.strict.then(|| self.object.on_behalf(Arc::new(caller())));
        Context {
            core: self.clone(),
            caller: Some(connection.clone()),
            callable,
            guarded,
            chain: CallChain::default(),
        }
    }

    /// Asks `has_right` for the right that a callable names.
    pub(in crate::agent) async fn require(
        self: &Arc<Self>,
        callable: &Callable<A>,
        call: &Call<A>,
    ) -> Result<()> {
        let Some(right) = callable.require else { return Ok(()) };
        let cx = &call.parts.cx;
        // Rights apply to clients; another agent is part of the program.
        if cx.chain.is_call() {
            return Ok(());
        }
        let has_right = match self.table.hooks.has_right {
            Some(hook) => {
                let parts = CallContext {
                    cx: cx.clone(),
                    connection: call.parts.connection.clone(),
                    request: None,
                    answer: None,
                };
                let answer = self.guard(cx.clone(), hook(call.agent.clone(), parts, right)).await;
                // The callable did not fail, so the log names the hook.
                answer.map_err(|error| {
                    Error::new(error.code(), report::client_text(self.object.key(), &error, "has_right"))
                })?
            }
            None => false,
        };
        if has_right {
            return Ok(());
        }
        let message = format!("`{}` needs the right `{right}`", callable.name);
        self.rejected(cx.source(), RejectionKind::Right(right), Attempt::Call, message);
        Err(Error::new("forbidden", frame::FORBIDDEN))
    }
}

impl<A: AgentDefinition> Context<A> {
    /// Returns an error if the calling connection is read-only; succeeds if there is no caller.
    ///
    /// Use this in handlers that do more than set the state. Call it first, so that nothing has been done
    /// when it fails. `#[callable(write)]` does the same before the method runs.
    ///
    /// ```
    /// # use agents_core::{AgentDefinition, Context, Result};
    /// # fn send_mail() {}
    /// # fn invite<A: AgentDefinition>(cx: &Context<A>) -> Result<()> {
    /// cx.require_writable()?;
    /// send_mail();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `readonly`; the refusal is reported to `on_state_rejected`.
    pub fn require_writable(&self) -> Result<()> {
        self.core.check_write(&self.source(), Attempt::Call)
    }

    /// Returns the source of the changes that are made through this context.
    pub(in crate::agent) fn source(&self) -> StateSource<A> {
        StateSource::Server { via: self.caller.clone(), callable: self.callable }
    }
}
