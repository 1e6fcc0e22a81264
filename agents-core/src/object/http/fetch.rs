//! Requests to an object: plain ones, whose response is streamed, and those for a WebSocket.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http_body_util::BodyExt;

use crate::error::{Error, Result};
use crate::gateway::{BodyFault, Head, RequestKey, ResponseHead, ToGateway, cut_reason};
use crate::object::durable_object::{ClientIp, Request, Response};
use crate::object::http::request_body::{InvalidBody, RequestBody};
use crate::object::report;
use crate::object::runtime::class::Instance;
use crate::object::{ConnectionEntry, ObjectContext, ObjectKey, WebSocketUpgrade};
use crate::response::ErrorBody;
use crate::wire::close_code;

/// The number of bytes of a refusal's body that are read for the close reason.
const REASON_BYTES: usize = 512;

/// The internal part of a request that an object or the program made, as an extension of the request.
#[derive(Clone, Debug)]
pub(crate) struct Internal(pub(crate) Bytes);

/// Answers a plain request and streams the body of the response.
pub(in crate::object) async fn answer(
    object: ObjectContext,
    instance: Arc<dyn Instance>,
    key: RequestKey,
    head: Head,
    body: RequestBody,
) -> Result<()> {
    let fetched = match http_request(head, body) {
        Ok(request) => instance.fetch(request).await,
        Err(error) => Err(error),
    };
    let response = match fetched {
        Ok(response) => response,
        Err(error) => error_response(object.key(), &error, "fetch"),
    };
    let streamed = stream(&object, key, response).await;
    let complete = streamed.is_ok();
    object.close_window(key);
    let ended = object.effect(ToGateway::RespondEnd { request: key, complete });
    if let Err(error) = streamed {
        instance.response_failed(error).await?;
    }
    ended
}

async fn stream(object: &ObjectContext, key: RequestKey, response: Response) -> Result<()> {
    let (mut parts, mut body) = response.into_parts();
    keep_length(&mut parts, &body);
    let headers = parts.headers.iter();
    let head = ResponseHead {
        status: parts.status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.to_string(), Bytes::copy_from_slice(value.as_bytes())))
            .collect(),
    };
    let window = object.open_window(key);
    // The check comes after the window is open: a request that ended earlier does not notify the window, and
    // the body would be sent forever without a reader.
    if !object.handle().gateway.has_request(key) {
        return Ok(());
    }
    object.effect(ToGateway::Respond { request: key, head })?;
    loop {
        // A body may be silent for a long time, also after its client has gone.
        let frame = tokio::select! {
            biased;
            () = window.until_gone() => break,
            frame = body.frame() => frame,
        };
        let Some(frame) = frame else { break };
        let Ok(chunk) = frame.map_err(|error| Error::hidden("response_body", error))?.into_data() else {
            continue;
        };
        if chunk.is_empty() {
            continue;
        }
        if !window.acquire(chunk.len()).await {
            break;
        }
        object.effect(ToGateway::RespondChunk { request: key, chunk })?;
    }
    Ok(())
}

/// Sets the length of the body if it is known: the gateway receives only chunks.
fn keep_length(parts: &mut http::response::Parts, body: &Body) {
    let status = parts.status;
    let bodiless = status.is_informational() || matches!(status.as_u16(), 204 | 304);
    let has_framing =
        parts.headers.contains_key(CONTENT_LENGTH) || parts.headers.contains_key(TRANSFER_ENCODING);
    // An empty body may also be the response to HEAD, which does not give the length.
    if !bodiless
        && !has_framing
        && let Some(length) = body.size_hint().exact().filter(|length| *length > 0)
    {
        parts.headers.insert(CONTENT_LENGTH, length.into());
    }
}

/// Returns the response to a request whose handler returned an error.
///
/// Only a failure of the program has the status 500, and is logged as an error.
pub(crate) fn error_response(agent: &ObjectKey, error: &Error, method: &str) -> Response {
    if let Some(fault) = error.causes().find_map(|cause| cause.downcast_ref::<BodyFault>()) {
        return ErrorBody::of_status(fault.status(), fault.to_string()).respond(fault.status());
    }
    if let Some(invalid) = error.downcast_ref::<InvalidBody>() {
        return ErrorBody::of_status(invalid.status(), invalid.to_string()).respond(invalid.status());
    }
    error.respond(|id| match id {
        Some(id) => report::log_hidden(agent, error, method, id),
        None => report::log_visible(agent, error, method),
    })
}

/// Answers a request whose object failed with 500 and the part of the error that clients may read.
pub(in crate::object) fn fail(object: &ObjectContext, key: RequestKey, error: &Error) -> Result<()> {
    let (message, id) = report::for_caller(object.key(), error, "fetch");
    // The code of a hidden error stays in the log.
    let code = if id.is_some() { "internal" } else { error.code() };
    let body = ErrorBody { code: code.into(), message: message.into(), id: id.map(Into::into) };
    let head = ResponseHead {
        status: StatusCode::INTERNAL_SERVER_ERROR.as_u16(),
        headers: vec![(CONTENT_TYPE.to_string(), Bytes::from_static(b"application/json"))],
    };
    object.effect(ToGateway::Respond { request: key, head })?;
    object.effect(ToGateway::RespondChunk {
        request: key,
        chunk: serde_json::to_vec(&body).map_err(Error::not_json)?.into(),
    })?;
    object.effect(ToGateway::RespondEnd { request: key, complete: true })
}

/// Calls `fetch` for a WebSocket. A response that does not accept the WebSocket becomes a close code.
pub(in crate::object) async fn upgrade(
    object: ObjectContext,
    instance: Arc<dyn Instance>,
    entry: Arc<ConnectionEntry>,
    head: Head,
) -> Result<()> {
    let answer = match http_request(head, RequestBody::default()) {
        Ok(mut request) => {
            request.extensions_mut().insert(WebSocketUpgrade { entry: entry.clone() });
            instance.fetch(request).await
        }
        Err(error) => Err(error),
    };
    match answer {
        Ok(response) if !entry.is_accepted() && !entry.is_closing() => {
            let (code, reason) = refusal(response).await;
            object.close(&entry, Some(code), reason)
        }
        Ok(_) => Ok(()),
        Err(error) => match error.seen_by_client() {
            // The handler has decided, as with a response that accepts nothing.
            Some((status, message)) if !entry.is_accepted() => {
                object.close(&entry, Some(close_code::of_status(status.as_u16())), cut_reason(message.into()))
            }
            _ => refuse(&object, &entry, &error),
        },
    }
}

/// Closes a connection whose handler failed.
pub(in crate::object) fn refuse(
    object: &ObjectContext,
    entry: &Arc<ConnectionEntry>,
    error: &Error,
) -> Result<()> {
    // Before the accept the code is final for clients: a client that retries would wait forever for a promise
    // that it has already handed out.
    let code = if entry.is_accepted() { close_code::INTERNAL_ERROR } else { close_code::SERVER_ERROR };
    object.close(entry, Some(code), cut_reason(report::client_text(object.key(), error, "fetch")))
}

/// Returns the close code for a response that accepted nothing, with the start of its body as reason.
async fn refusal(response: Response) -> (u16, String) {
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    let code = if refused { close_code::of_status(status.as_u16()) } else { close_code::SERVER_ERROR };
    let body = http_body_util::Limited::new(response.into_body(), REASON_BYTES);
    let text = match body.collect().await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        Err(_) => String::new(),
    };
    let text = match (text.is_empty(), status.canonical_reason()) {
        (true, Some(reason)) if refused => reason.to_owned(),
        (true, _) => "the WebSocket was not accepted".to_owned(),
        (false, _) => text,
    };
    (code, cut_reason(text))
}

/// Builds a request from the head that the gateway sent.
pub(crate) fn http_request(head: Head, body: RequestBody) -> Result<Request> {
    let mut builder = http::Request::builder().method(head.method.as_str()).uri(head.uri);
    for (name, value) in head.headers {
        builder = builder.header(name, &value[..]);
    }
    if let Some(peer) = head.peer {
        builder = builder.extension(axum::extract::ConnectInfo(peer));
    }
    if let Some(client) = head.client {
        builder = builder.extension(ClientIp(client));
    }
    if let Some(internal) = head.internal {
        builder = builder.extension(Internal(internal));
    }
    builder.extension(head.origin).body(body).map_err(|error| Error::hidden("invalid_request", error))
}
