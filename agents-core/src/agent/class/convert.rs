//! Return types and payloads of hooks, recognised by trait and not by spelling.

use std::result::Result as StdResult;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts};
use axum::response::IntoResponse;
use http::request::Parts as Head;

use crate::agent::{Request, Response};
use crate::error::{Error, Result};
use crate::interface::AgentState;
use crate::object::BoxFuture;

/// The return type of a hook that is notified of an event: nothing, or a `Result` of nothing.
#[diagnostic::on_unimplemented(
    message = "this hook cannot return `{Self}`",
    label = "return `Result<()>` or nothing"
)]
pub trait HookResult {
    /// Converts the value into a `Result`.
    ///
    /// # Errors
    /// The error that the hook returned.
    fn into_result(self) -> Result<()>;
}

impl HookResult for () {
    fn into_result(self) -> Result<()> {
        Ok(())
    }
}

impl<E: Into<Error>> HookResult for Result<(), E> {
    fn into_result(self) -> Result<()> {
        self.map_err(Into::into)
    }
}

/// The return type of `migrate`: the state, or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "`migrate` cannot return `{Self}`",
    label = "return `Result<{S}>`, the state of the agent"
)]
pub trait IntoState<S> {
    /// Converts the value into a `Result`.
    ///
    /// # Errors
    /// The error that the hook returned.
    fn into_state(self) -> Result<S>;
}

impl<S: AgentState> IntoState<S> for S {
    fn into_state(self) -> Result<S> {
        Ok(self)
    }
}

impl<S, E: Into<Error>> IntoState<S> for Result<S, E> {
    fn into_state(self) -> Result<S> {
        self.map_err(Into::into)
    }
}

/// The return type of a hook that decides: a `bool`, or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "this hook cannot return `{Self}`",
    label = "return `bool` or `Result<bool>`"
)]
pub trait IntoFlag {
    /// Converts the value into a `Result`.
    ///
    /// # Errors
    /// The error that the hook returned.
    fn into_flag(self) -> Result<bool>;
}

impl IntoFlag for bool {
    fn into_flag(self) -> Result<bool> {
        Ok(self)
    }
}

impl<E: Into<Error>> IntoFlag for Result<bool, E> {
    fn into_flag(self) -> Result<bool> {
        self.map_err(Into::into)
    }
}

/// The return type of `connection_tags`: texts in a list, an array or an option, or a `Result` of these.
#[diagnostic::on_unimplemented(
    message = "`connection_tags` cannot return `{Self}`",
    label = "return `Vec<String>`, `Vec<&'static str>`, an array, an `Option`, or a `Result` of these"
)]
pub trait IntoTags {
    /// Converts the value into the list of tags.
    ///
    /// # Errors
    /// The error that the hook returned.
    fn into_tags(self) -> Result<Vec<String>>;
}

impl<T: Into<String>> IntoTags for Vec<T> {
    fn into_tags(self) -> Result<Vec<String>> {
        Ok(self.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<String>> IntoTags for Option<T> {
    fn into_tags(self) -> Result<Vec<String>> {
        Ok(self.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<String>, const N: usize> IntoTags for [T; N] {
    fn into_tags(self) -> Result<Vec<String>> {
        Ok(self.into_iter().map(Into::into).collect())
    }
}

impl<T: IntoTags, E: Into<Error>> IntoTags for Result<T, E> {
    fn into_tags(self) -> Result<Vec<String>> {
        self.map_err(Into::into)?.into_tags()
    }
}

/// The return type of `on_request`: any type that axum accepts as a response, or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "`on_request` cannot return `{Self}`",
    label = "return a `Response`, anything that is `IntoResponse`, or a `Result` of these"
)]
pub trait IntoHttp<Kind> {
    /// Converts the value into a response.
    ///
    /// # Errors
    /// The error that the hook returned.
    fn into_http(self) -> Result<Response>;
}

/// The marker of the [`IntoHttp`] form without a `Result`.
#[derive(Debug)]
pub struct Plain;
/// The marker of the [`IntoHttp`] form with a `Result`.
#[derive(Debug)]
pub struct Fallible;

impl<T: IntoResponse> IntoHttp<Plain> for T {
    fn into_http(self) -> Result<Response> {
        Ok(self.into_response())
    }
}

impl<T: IntoResponse, E: Into<Error>> IntoHttp<Fallible> for Result<T, E> {
    fn into_http(self) -> Result<Response> {
        self.map(IntoResponse::into_response).map_err(Into::into)
    }
}

/// Finds the kind of a `Result`, as a method of the value.
pub trait FallibleHttp {
    /// Returns the kind.
    fn http_kind(&self) -> Fallible {
        Fallible
    }
}

impl<T: IntoResponse, E: Into<Error>> FallibleHttp for Result<T, E> {}

/// Finds the kind of every other value. Its receiver has one reference more than that of [`FallibleHttp`], which
/// therefore comes first.
pub trait PlainHttp {
    /// Returns the kind.
    fn http_kind(&self) -> Plain {
        Plain
    }
}

impl<T: ?Sized> PlainHttp for &T {}

/// Converts what `on_request` returned.
///
/// # Errors
/// The error that the hook returned.
pub fn into_http<Kind, T: IntoHttp<Kind>>(_: Kind, value: T) -> Result<Response> {
    value.into_http()
}

/// The payload argument of a hook; any other type gives a compiler error that names the expected type.
#[diagnostic::on_unimplemented(
    message = "this hook is given a `{P}`, not a `{Self}`",
    label = "write `{P}` here"
)]
pub trait HookPayload<P> {
    /// Returns the value unchanged.
    fn from_payload(payload: P) -> Self;
}

impl<P> HookPayload<P> for P {
    fn from_payload(payload: P) -> Self {
        payload
    }
}

/// The response to a request in which an argument of `on_request` was not found.
pub(crate) type NotFound = Box<Result<Response>>;

/// The last owned argument of `on_request`: the request itself, or a value that axum extracts from one.
#[diagnostic::on_unimplemented(
    message = "`on_request` cannot be given a `{Self}`",
    label = "not found in a request",
    note = "write `Request`, or a type that axum extracts from one: `Json<T>`, `Bytes`, `String`, `Query<T>`, `HeaderMap`, .."
)]
pub trait FromHttp<Kind>: Sized {
    /// Extracts the value from the request.
    ///
    /// # Errors
    /// The response to a request that does not have the value.
    fn from_http(request: Request) -> BoxFuture<'static, StdResult<Self, NotFound>>;
}

/// The marker of the request itself, as opposed to values that axum extracts.
#[derive(Debug)]
pub struct Whole;

#[diagnostic::do_not_recommend]
impl FromHttp<Whole> for Request {
    fn from_http(request: Request) -> BoxFuture<'static, StdResult<Self, NotFound>> {
        Box::pin(std::future::ready(Ok(request)))
    }
}

#[diagnostic::do_not_recommend]
impl<M, T: FromRequest<(), M>> FromHttp<M> for T {
    fn from_http(request: Request) -> BoxFuture<'static, StdResult<Self, NotFound>> {
        Box::pin(async move { T::from_request(request.map(Body::from), &()).await.map_err(not_found) })
    }
}

/// An owned argument of `on_request` before the last one: a value that axum extracts from the head of a
/// request.
#[diagnostic::on_unimplemented(
    message = "`on_request` cannot be given a `{Self}` here",
    label = "not found in the head of a request",
    note = "the arguments before the last one are types that axum extracts without the body: `Method`, `HeaderMap`, `Query<T>`, ..",
    note = "an argument that reads the body must be the last one"
)]
pub trait FromHttpHead: Sized {
    /// Extracts the value from the head of the request.
    ///
    /// # Errors
    /// The response to a request that does not have the value.
    fn from_http_head(head: &mut Head) -> BoxFuture<'_, StdResult<Self, NotFound>>;
}

#[diagnostic::do_not_recommend]
impl<T: FromRequestParts<()>> FromHttpHead for T {
    fn from_http_head(head: &mut Head) -> BoxFuture<'_, StdResult<Self, NotFound>> {
        Box::pin(async move { T::from_request_parts(head, &()).await.map_err(not_found) })
    }
}

fn not_found(rejection: impl IntoResponse) -> NotFound {
    let response = rejection.into_response();
    let status = response.status();
    // An error of the program is only logged; clients do not see its text.
    Box::new(match status.is_server_error() {
        true => Err(Error::hidden(
            "not_extracted",
            format!("an argument of `on_request` was not found: {status}"),
        )),
        false => Ok(response),
    })
}
