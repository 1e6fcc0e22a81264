//! The line of the log about a call, at the level `debug`.

use tokio::time::Instant;
use tracing::Level;

use crate::error::Error;
use crate::object::ObjectContext;
use crate::support::unwind::caught;

/// A call that is logged when it ends; empty if the level is off.
pub(in crate::agent) struct CallLog(Option<Box<Running>>);

struct Running {
    object: ObjectContext,
    /// The id of the connection; `None` for a call of another agent or of the program.
    connection: Option<String>,
    method: &'static str,
    began: Instant,
    code: &'static str,
}

impl CallLog {
    /// Begins the time of a call.
    pub(in crate::agent) fn begin(
        object: &ObjectContext,
        connection: Option<&str>,
        method: &'static str,
    ) -> Self {
        if !tracing::enabled!(target: "agents::call", Level::DEBUG) {
            return Self(None);
        }
        let connection = connection.map(str::to_owned);
        let began = Instant::now();
        Self(Some(Box::new(Running {
            object: object.clone(),
            connection,
            method,
            began,
            code: "interrupted",
        })))
    }

    /// Sets the code of the result.
    pub(in crate::agent) fn ended<T>(&mut self, result: &Result<T, Error>) {
        if let Some(running) = &mut self.0 {
            running.code = result.as_ref().map_or_else(Error::code, |_| "ok");
        }
    }
}

impl Drop for CallLog {
    fn drop(&mut self) {
        let Some(running) = self.0.take() else { return };
        let Running { object, connection, method, began, code } = *running;
        // A panic of the subscriber must not leave a destructor.
        let _ = caught(|| {
            let duration_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            let (class, name, connection) = (object.class(), object.name(), connection.as_deref());
            tracing::debug!(target: "agents::call", class, name, connection, method, duration_us, code, "call");
        });
    }
}
