//! The reply of an agent to a call of another agent: a body of lines, each a JSON value.

use std::mem;

use axum::body::Body;
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::object::interrupted;

/// A line of a reply. The last line is a result or an error.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReplyFrame {
    /// An item of a stream.
    Item(Box<RawValue>),
    /// The value that the method returned; `None` if it returned nothing.
    Result(Option<Box<RawValue>>),
    /// The error of the method, as far as callers may know it; with the id of the log line if it is hidden.
    Error { code: String, message: String, id: Option<String> },
}

impl ReplyFrame {
    pub(in crate::agent) fn item(json: String) -> Result<Self> {
        Ok(Self::Item(RawValue::from_string(json).map_err(Error::not_json)?))
    }

    pub(in crate::agent) fn result(json: Option<String>) -> Result<Self> {
        Ok(Self::Result(json.map(RawValue::from_string).transpose().map_err(Error::not_json)?))
    }

    pub(in crate::agent) fn write(&self) -> Result<String> {
        Ok(serde_json::to_string(self).map_err(Error::not_json)? + "\n")
    }
}

/// A reader of the lines of a body.
#[derive(Debug)]
pub(in crate::agent) struct ReplyFrames {
    body: Body,
    /// The bytes that were received and not read yet.
    rest: Vec<u8>,
}

impl ReplyFrames {
    pub(in crate::agent) fn new(body: Body) -> Self {
        Self { body, rest: Vec::new() }
    }

    /// Returns the next line.
    ///
    /// # Errors
    /// `peer_frame` when a line has another form, `interrupted` when the body ends before its last line.
    pub(in crate::agent) async fn next(&mut self) -> Result<ReplyFrame> {
        // A line may arrive in parts; the bytes of earlier parts are not searched again.
        let mut searched = 0;
        loop {
            if let Some(end) = self.rest[searched..].iter().position(|byte| *byte == b'\n') {
                let after = self.rest.split_off(searched + end + 1);
                let line = mem::replace(&mut self.rest, after);
                return serde_json::from_slice(&line).map_err(|error| Error::hidden("peer_frame", error));
            }
            searched = self.rest.len();
            let Some(Ok(frame)) = self.body.frame().await else { return Err(interrupted()) };
            if let Ok(data) = frame.into_data() {
                self.rest.extend_from_slice(&data);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[tokio::test]
    async fn lines_come_whole_however_the_body_is_cut() {
        let text: String = [
            ReplyFrame::item(r#"{"a":"\n"}"#.to_owned()).unwrap(),
            ReplyFrame::item("null".to_owned()).unwrap(),
            ReplyFrame::result(None).unwrap(),
        ]
        .iter()
        .map(|line| line.write().unwrap())
        .collect();
        for size in 1..=text.len() {
            let chunks: Vec<_> = text.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
            let stream = futures_util::stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>));
            let mut lines = ReplyFrames::new(Body::from_stream(stream));
            assert!(
                matches!(lines.next().await.unwrap(), ReplyFrame::Item(json) if json.get() == r#"{"a":"\n"}"#)
            );
            assert!(matches!(lines.next().await.unwrap(), ReplyFrame::Item(json) if json.get() == "null"));
            assert!(matches!(lines.next().await.unwrap(), ReplyFrame::Result(None)));
            assert_eq!(lines.next().await.unwrap_err().code(), "interrupted");
        }
    }
}
