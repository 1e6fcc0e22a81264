//! The frames that an agent sends to a new connection.

use std::io::Result;

use memchr::memmem;
use serde_json::Value;
use tokio::time::timeout;

use super::target::TIMEOUT;
use crate::socket::Socket;

/// Waits for the greeting of an agent, and returns the state that it contains.
pub(crate) async fn greeting(socket: &mut Socket) -> Result<Option<Value>> {
    let frames = async {
        let mut state = None;
        loop {
            while let Some(range) = socket.next_data()? {
                let payload = socket.payload(range);
                // This frame is always the last.
                if memmem::find(payload, b"cf_agent_mcp_servers").is_some() {
                    return Ok(state);
                }
                if memmem::find(payload, b"\"cf_agent_state\"").is_some() {
                    let mut frame: Value = serde_json::from_slice(payload)?;
                    state = Some(frame["state"].take());
                }
            }
            socket.fill().await?;
        }
    };
    timeout(TIMEOUT, frames).await?
}
