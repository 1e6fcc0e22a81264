//! The lines of the log about connections, at the level `debug`.

use tracing::Level;

use crate::gateway::ObjectPort;
use crate::gateway::socket::Socket;

/// Logs that a connection is handed to its object.
pub(super) fn opened(port: &dyn ObjectPort, connection: &str) {
    if tracing::enabled!(target: "agents::connection", Level::DEBUG) {
        let (class, name) = port.address();
        tracing::debug!(target: "agents::connection", class, name, connection, "opened");
    }
}

/// Logs that a connection is closed: `client`, `server`, `network`, or the rule that it broke.
pub(super) fn closed(port: &dyn ObjectPort, socket: &Socket, code: u16, cause: &str) {
    if tracing::enabled!(target: "agents::connection", Level::DEBUG)
        && let Some(meta) = socket.meta()
    {
        let connection = &*meta.id;
        let (class, name) = port.address();
        tracing::debug!(target: "agents::connection", class, name, connection, code, cause, "closed");
    }
}
