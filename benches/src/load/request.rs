//! One call of a method, and its answer.

use std::io::{Error, Result};

use memchr::memmem;
use tokio::time::timeout;

use super::target::TIMEOUT;
use crate::frame;
use crate::socket::Socket;

/// Builds the frame of a call whose arguments are texts that JSON does not escape.
pub(super) fn request(id: usize, method: &str, args: &[&str]) -> Vec<u8> {
    let args: Vec<_> = args.iter().map(|text| format!(r#""{text}""#)).collect();
    let args = args.join(",");
    let call = format!(r#"{{"type":"rpc","id":"{id}","method":"{method}","args":[{args}]}}"#);
    let mut out = Vec::new();
    frame::encode(&mut out, frame::TEXT, call.as_bytes());
    out
}

/// Sends a call and waits for the answer. Other frames before the answer are dropped.
///
/// # Errors
/// Errors of the network, and a call that fails.
pub(super) async fn answered(socket: &mut Socket, call: &[u8]) -> Result<()> {
    socket.push(call);
    socket.flush().await?;
    let answer = async {
        loop {
            while let Some(range) = socket.next_data()? {
                let payload = socket.payload(range);
                if memmem::find(payload, br#""type":"rpc""#).is_some() {
                    let good = memmem::find(payload, br#""success":true"#).is_some();
                    let text = String::from_utf8_lossy(payload).into_owned();
                    return if good { Ok(()) } else { Err(Error::other(text)) };
                }
            }
            socket.fill().await?;
        }
    };
    timeout(TIMEOUT, answer).await?
}
