//! A notebook for each user, behind a login in a signed cookie.
//!
//! `cargo run --example login`, then open the address it prints.

use std::future::ready;
use std::time::Duration;

use agents::auth::Sessions;
use agents::axum::response::{Html, IntoResponse};
use agents::axum::{Json, Router, extract::State, routing::get, routing::post};
use agents::prelude::*;
use agents::serde::Deserialize;

const PAGE: &str = concat!(
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><style>",
    include_str!("../shared/page.css"),
    "</style><script>",
    include_str!("../shared/client.js"),
    "</script>",
    include_str!("page.html"),
);

/// The lifetime of a login.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The identity in the cookie.
#[wire]
#[derive(Clone)]
struct User {
    name: String,
}

/// The text of a user, on all of their screens.
#[wire]
#[derive(Clone, Default)]
struct Note {
    text: String,
}

/// The notebook of one user, at `/notebook`. The host finds its name in the session.
#[agent(state = Note)]
#[derive(Default)]
struct Notebook;

#[agent]
impl Notebook {
    #[hook]
    fn validate_state_change(&self, next: &Note, _source: &StateSource<Self>) -> Result<()> {
        if next.text.len() > 10_000 {
            return Err(Error::too_large("a note has at most 10,000 bytes"));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(crate = "agents::serde")]
struct Login {
    name: String,
    password: String,
}

/// Checks the password and begins a session. A password in the source is for a demonstration only; the signed
/// cookie is not.
async fn login(
    State(sessions): State<Sessions<User>>,
    request: ConnectRequest,
    Json(Login { name, password }): Json<Login>,
) -> Result<impl IntoResponse, Refusal> {
    if name.is_empty() || name.len() > 40 {
        return Err(Error::invalid("a name has 1 to 40 bytes").into());
    }
    if password != "swordfish" {
        return Err(Refusal::unauthorized("wrong password"));
    }
    let user = User { name };
    Ok((sessions.set(&request, &user, DAY)?, Json(user)))
}

async fn logout(
    State(sessions): State<Sessions<User>>,
    request: ConnectRequest,
) -> Result<impl IntoResponse, Refusal> {
    sessions.clear(&request)
}

/// Returns the user of the session, so that a page knows whether to show the login.
async fn me(State(sessions): State<Sessions<User>>, request: ConnectRequest) -> Result<Json<User>, Refusal> {
    sessions.verify(&request).map(Json)
}

#[tokio::main]
async fn main() -> Result<()> {
    // With keys from the environment, logins outlive the program; the first one signs.
    let sessions = match std::env::var("SESSION_KEYS") {
        Ok(keys) => Sessions::<User>::new(keys.split(','))?,
        Err(_) => Sessions::random()?,
    };
    let routes = Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/me", get(me))
        .with_state(sessions.clone());
    Agents::new()
        .register::<Notebook>()
        .route_to::<Notebook>("/notebook", move |request: ConnectRequest| {
            ready(sessions.verify(&request).map(|user| user.name))
        })
        // The name of a notebook comes from the session alone.
        .authorize(async |incoming: AdmissionRequest| match incoming.named_by_client() {
            true => Err(Refusal::not_found("no such page")),
            false => Ok(()),
        })
        .routes(routes)
        .run()
        .await
}
