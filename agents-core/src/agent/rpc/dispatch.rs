//! Calls: found in the table, run, answered.

use std::ops::Range;
use std::sync::Arc;

use tokio::sync::MutexGuard;

use crate::agent::instance::user_code::UserFuture;
use crate::agent::peer_calls::call_chain::CallChain;
use crate::agent::rpc::call_log::CallLog;
use crate::agent::rpc::response_stream::ReplySink;
use crate::agent::{AgentDefinition, AgentShared, Call, CallContext, Callable, Connection};
use crate::error::{Error, Result};
use crate::interface::Outcome;
use crate::object::{BlockedPart, report};
use crate::support::nearest::nearest;
use crate::support::sampled::sampled;
use crate::support::single_line::Shortened;
use crate::wire::frame;

/// A call of a frame with the callable that was found for it.
pub(in crate::agent) struct ResolvedCall<A: AgentDefinition> {
    pub(in crate::agent) id: String,
    pub(in crate::agent) method: Result<&'static Callable<A>, String>,
    pub(in crate::agent) arguments: Range<usize>,
}

impl<A: AgentDefinition> ResolvedCall<A> {
    /// Looks up a callable; the error is the text that the caller reads.
    pub(in crate::agent) fn new(core: &AgentShared<A>, text: &str, call: &frame::Call<'_>) -> Self {
        let arguments = call.arguments.get();
        // The arguments are a slice of the text: the start follows from the addresses.
        let start = arguments.as_ptr() as usize - text.as_ptr() as usize;
        let found = core.table.callable(&call.method);
        let method = found.filter(|callable| !callable.internal).ok_or_else(|| {
            let name = &call.method;
            if found.is_some() || core.table.others.contains(&&**name) {
                format!("Method {name} is not callable")
            } else {
                let public = core.table.callables.iter().filter(|callable| !callable.internal);
                core.unknown_method(name, public.map(|callable| callable.name))
            }
        });
        Self { id: call.id.to_owned(), method, arguments: start..start + arguments.len() }
    }
}

impl<A: AgentDefinition> AgentShared<A> {
    /// Returns the text that the caller of a method that does not exist reads, and logs the call.
    pub(in crate::agent) fn unknown_method<'a>(
        &self,
        method: &str,
        methods: impl Iterator<Item = &'a str>,
    ) -> String {
        let meant = nearest(method, methods);
        let (class, name) = (self.object.class(), self.object.name());
        let shown = Shortened(method);
        sampled!(DEBUG, "calls of unknown methods", class, name, method = %shown, meant, "a method does not exist");
        match meant.filter(|_| self.object.hints()) {
            Some(meant) => format!("Method {method} does not exist: did you mean {meant}?"),
            None => format!("Method {method} does not exist"),
        }
    }

    /// Runs a call and answers it.
    pub(in crate::agent) async fn run_call(
        self: Arc<Self>,
        agent: Arc<A>,
        connection: Connection<A>,
        text: Arc<str>,
        found: ResolvedCall<A>,
    ) -> Result<()> {
        let streamed = found.method.as_ref().is_ok_and(|callable| callable.streaming);
        let answer = Arc::new(ReplySink::new(connection.socket.clone(), found.id, streamed));
        let callable = match found.method {
            Ok(callable) => callable,
            Err(message) => {
                let unknown = Err::<(), _>(Error::new("unknown_method", ""));
                // The name is a text of the client, which is in its answer.
                CallLog::begin(&self.object, Some(connection.id()), "").ended(&unknown);
                return answer.error(&message);
            }
        };
        let mut log = CallLog::begin(&self.object, Some(connection.id()), callable.name);
        // A call that is dropped, for example by a timeout, is answered as well.
        let _answered = answer.answered();
        let cx = self.context_of(&connection, Some(callable.name));
        let streamed = streamed.then(|| answer.clone());
        let _stoppable = streamed.clone().map(|answer| self.activation.streams.begin(answer));
        let parts = CallContext { cx, connection: Some(connection), request: None, answer: streamed };
        let call = Call { agent, parts, frame: text, arguments: found.arguments };
        let result = self.invoke(callable, call).await;
        log.ended(&result);
        match result {
            Ok(outcome) => answer.end(&outcome),
            Err(error) => answer.error(&report::client_text(self.object.key(), &error, callable.rust_name)),
        }
    }

    pub(in crate::agent) async fn invoke(
        self: &Arc<Self>,
        callable: &'static Callable<A>,
        call: Call<A>,
    ) -> Result<Outcome> {
        let cx = call.parts.cx.clone();
        if callable.write {
            cx.require_writable()?;
        }
        self.require(callable, &call).await?;
        let _answering = cx.chain.answering();
        let one_at_a_time = match callable.exclusive {
            true => Some(self.enter_exclusive(&cx.chain).await?),
            false => None,
        };
        // The connection may have become read-only while the call waited.
        if callable.write {
            cx.require_writable()?;
        }
        // The reader may have stopped the call.
        if call.parts.answer.as_ref().is_some_and(|answer| answer.is_stopped()) {
            return Ok(Outcome::Nothing);
        }
        let work = UserFuture::new(cx, (callable.invoke)(call));
        match one_at_a_time {
            Some(_) => self.object.while_blocking(BlockedPart::Exclusive, work).await?,
            None => work.await?,
        }
    }

    /// Waits until no other exclusive work of this agent runs.
    ///
    /// # Errors
    /// When such work waits for the caller, or is the caller itself.
    pub(in crate::agent) async fn enter_exclusive(&self, chain: &CallChain) -> Result<MutexGuard<'_, ()>> {
        chain.check_exclusive(self.object.class(), self.object.name())?;
        if self.object.is_exclusive() {
            let text = "exclusive work cannot wait for other exclusive work of the same agent";
            return Err(Error::new("nested_exclusive", text));
        }
        Ok(self.activation.enter_exclusive().await)
    }
}
