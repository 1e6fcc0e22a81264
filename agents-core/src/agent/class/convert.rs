//! What hooks may return, recognised by trait and not by spelling.

use std::result::Result as StdResult;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts};
use axum::response::IntoResponse;
use http::request::Parts as Head;

use crate::agent::{Request, Response};
use crate::error::{Error, Result};
use crate::object::BoxFuture;
use crate::wire::Wire;

/// What a hook that is only told something may return: nothing, or a `Result` of nothing.
#[diagnostic::on_unimplemented(
    message = "this hook cannot return `{Self}`",
    label = "return `Result<()>` or nothing"
)]
pub trait HookResult {
    /// Unifies the two.
    ///
    /// # Errors
    /// The hook's own.
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

/// The result of a closure that changes a state: a wire value, nothing, or a `Result` of anything.
///
/// An error of the `Result` undoes the change.
#[diagnostic::on_unimplemented(
    message = "a closure that changes a state cannot return `{Self}`",
    label = "not a result of a change",
    note = "return nothing, a wire value, or `agents::Result<T>`, whose error undoes the change"
)]
pub trait UpdateResult {
    /// The type of the value that the caller gets.
    type Output;

    /// Unifies these.
    ///
    /// # Errors
    /// The closure's own.
    fn into_output(self) -> Result<Self::Output>;
}

impl<T: Wire> UpdateResult for T {
    type Output = T;

    fn into_output(self) -> Result<T> {
        Ok(self)
    }
}

impl<T> UpdateResult for Result<T> {
    type Output = T;

    fn into_output(self) -> Result<T> {
        self
    }
}

/// What a hook that decides may return: a `bool`, or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "this hook cannot return `{Self}`",
    label = "return `bool` or `Result<bool>`"
)]
pub trait IntoFlag {
    /// Unifies the two.
    ///
    /// # Errors
    /// The hook's own.
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

/// What `connection_tags` may return: texts in a list, an array or an option, or a `Result` of these.
#[diagnostic::on_unimplemented(
    message = "`connection_tags` cannot return `{Self}`",
    label = "return `Vec<String>`, `Vec<&'static str>`, an array, an `Option`, or a `Result` of these"
)]
pub trait IntoTags {
    /// Makes the list.
    ///
    /// # Errors
    /// The hook's own.
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

/// What `on_request` may return: anything axum can answer with, or a `Result` of that.
#[diagnostic::on_unimplemented(
    message = "`on_request` cannot return `{Self}`",
    label = "return a `Response`, anything that is `IntoResponse`, or a `Result` of these"
)]
pub trait IntoHttp<Kind> {
    /// Makes the response.
    ///
    /// # Errors
    /// The hook's own.
    fn into_http(self) -> Result<Response>;
}

/// Tells the two forms of [`IntoHttp`] apart.
#[derive(Debug)]
pub struct Plain;
/// Tells the two forms of [`IntoHttp`] apart.
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

/// Gives a hook what it is told; any other type is an error in our words.
#[diagnostic::on_unimplemented(
    message = "this hook is given a `{P}`, not a `{Self}`",
    label = "write `{P}` here"
)]
pub trait HookPayload<P> {
    /// Hands the value on.
    fn from_payload(payload: P) -> Self;
}

impl<P> HookPayload<P> for P {
    fn from_payload(payload: P) -> Self {
        payload
    }
}

/// The answer to a request in which an argument of `on_request` is not found.
pub(crate) type NotFound = Box<Result<Response>>;

/// The last owned argument of `on_request`: the request itself, or what axum extracts from one.
#[diagnostic::on_unimplemented(
    message = "`on_request` cannot be given a `{Self}`",
    label = "not found in a request",
    note = "write `Request`, or what axum extracts from one: `Json<T>`, `Bytes`, `String`, `Query<T>`, `HeaderMap`, .."
)]
pub trait FromHttp<Kind>: Sized {
    /// Takes the value out of the request.
    ///
    /// # Errors
    /// The answer to a request that does not have it.
    fn from_http(request: Request) -> BoxFuture<'static, StdResult<Self, NotFound>>;
}

/// The mark of the request itself, apart from what axum extracts.
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

/// An owned argument of `on_request` before the last: what axum extracts from the head of a request.
#[diagnostic::on_unimplemented(
    message = "`on_request` cannot be given a `{Self}` here",
    label = "not found in the head of a request",
    note = "before the last argument stands what axum extracts without the body: `Method`, `HeaderMap`, `Query<T>`, ..",
    note = "what reads the body stands last"
)]
pub trait FromHttpHead: Sized {
    /// Takes the value out of the head.
    ///
    /// # Errors
    /// The answer to a request that does not have it.
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
    // What the program did wrong is for its log alone.
    Box::new(match status.is_server_error() {
        true => Err(Error::hidden(
            "not_extracted",
            format!("an argument of `on_request` was not found: {status}"),
        )),
        false => Ok(response),
    })
}
