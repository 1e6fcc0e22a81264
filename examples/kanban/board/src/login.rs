//! Logins.

use std::sync::Arc;
use std::time::Duration;

use agents::auth::Sessions;
use agents::axum::extract::State;
use agents::axum::response::IntoResponse;
use agents::axum::routing::{get, post};
use agents::axum::{Json, Router};
use agents::prelude::*;
use agents::serde::Deserialize;

/// The lifetime of a login.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The maximum length of the name of a user in bytes.
const MAX_NAME: usize = 20;

/// The identity in the cookie.
#[wire]
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
}

impl User {
    /// Returns the user of this name. These letters need no escape in the name of an agent.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let letters = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
        if name.is_empty() || name.len() > MAX_NAME || !letters {
            return Err(Error::invalid("the name of a user has 1 to 20 of a-z and 0-9"));
        }
        Ok(Self { name: name.to_owned() })
    }
}

/// The state of the routes of the login.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) sessions: Sessions<User>,
    /// The password of the team: one for all is for a demonstration only; the signed cookie is not.
    pub(crate) password: Arc<str>,
}

#[derive(Deserialize)]
#[serde(crate = "agents::serde")]
struct Attempt {
    name: String,
    password: String,
}

/// Returns the routes `POST /login`, `POST /logout` and `GET /me`.
pub(crate) fn routes(login: Login) -> Router {
    Router::new()
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route("/me", get(me))
        .with_state(login)
}

async fn log_in(
    State(login): State<Login>,
    request: ConnectRequest,
    Json(attempt): Json<Attempt>,
) -> Result<impl IntoResponse, Refusal> {
    let user = User::named(&attempt.name)?;
    if *attempt.password != *login.password {
        return Err(Refusal::unauthorized("wrong password"));
    }
    Ok((login.sessions.set(&request, &user, DAY)?, Json(user)))
}

async fn log_out(State(login): State<Login>, request: ConnectRequest) -> Result<impl IntoResponse, Refusal> {
    login.sessions.clear(&request)
}

/// Returns the user of the session, so that a page knows whether to show the login.
async fn me(State(login): State<Login>, request: ConnectRequest) -> Result<Json<User>, Refusal> {
    login.sessions.verify(&request).map(Json)
}
