//! What a caller may do: asked before a call, and at each write of a strict agent.

use std::sync::Arc;

use crate::agent::access::write_access::GuardedCaller;
use crate::agent::peer_calls::call_chain::CallChain;
use crate::agent::{
    AgentDefinition, AgentShared, Attempt, Call, CallContext, Callable, Connection, Context, RejectionKind,
    StateSource,
};
use crate::error::{Error, Result};
use crate::report;
use crate::wire::frame;

impl<A: AgentDefinition> AgentShared<A> {
    /// A context on behalf of a connection.
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

    /// Asks for the right that a callable names.
    pub(in crate::agent) async fn require(
        self: &Arc<Self>,
        callable: &Callable<A>,
        call: &Call<A>,
    ) -> Result<()> {
        let Some(right) = callable.require else { return Ok(()) };
        let cx = &call.parts.cx;
        // Rights are those of clients; another agent is part of the program.
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
                let asked = self.guard(cx.clone(), hook(call.agent.clone(), parts, right)).await;
                // Not the callable failed, so the log names the hook.
                asked.map_err(|error| Error::new(error.code(), report::client_text(&error, "has_right")))?
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
    /// Refuses to go on when the calling connection is read-only; without a caller it never does.
    ///
    /// For handlers that do more than set the state: call it first, and nothing was done when it
    /// refuses. `#[callable(write)]` does the same before the method runs.
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
    /// `readonly`; `on_state_rejected` hears of it.
    pub fn require_writable(&self) -> Result<()> {
        self.core.check_write(&self.source(), Attempt::Call)
    }

    /// Who acts through this context.
    pub(in crate::agent) fn source(&self) -> StateSource<A> {
        StateSource::Server { via: self.caller.clone(), callable: self.callable }
    }
}
