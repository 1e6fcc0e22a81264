//! A dashboard: admins sign in and write, all other visitors watch.
//!
//! `cargo run --example dashboard --features jwt`, then open the address it prints.

use std::collections::BTreeMap;
use std::time::Duration;

use agents::auth::Tokens;
use agents::axum::{Json, Router, extract::State, response::Html, routing::get, routing::post};
use agents::prelude::*;
use agents::serde::{Deserialize, Serialize};
use agents::state::Attempt;

const PAGE: &str = concat!(
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><style>",
    include_str!("../shared/page.css"),
    "</style><script>",
    include_str!("../shared/client.js"),
    "</script>",
    include_str!("page.html"),
);

/// The lifetime of a sign-in.
const SIGN_IN: Duration = Duration::from_secs(15 * 60);

/// The owner of a token.
#[derive(Clone, Serialize, Deserialize)]
#[serde(crate = "agents::serde")]
struct Admin {
    name: String,
}

/// The state that all visitors see.
#[wire]
#[derive(Clone)]
struct Board {
    services: BTreeMap<String, Health>,
    announcement: String,
}

impl Default for Board {
    fn default() -> Self {
        let services = ["database", "mail", "web"].map(|name| (name.to_owned(), Health::Up));
        Self { services: services.into(), announcement: String::new() }
    }
}

#[wire]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Up,
    Slow,
    Down,
}

/// The user of a connection. It is stored with the connection, so it survives hibernation.
#[wire]
#[derive(Clone)]
struct Visitor {
    admin: Option<String>,
}

/// One line of the log.
#[wire]
#[derive(Clone)]
struct Entry {
    who: String,
    what: String,
}

#[wire]
#[serde(tag = "type")]
enum Event {
    Entry { entry: Entry },
}

/// The state of a system. With `strict`, a visitor writes neither the state nor the log.
#[agent(state = Board, connection = Visitor, strict = true)]
#[derive(Default)]
struct StatusBoard;

#[agent]
impl StatusBoard {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS log (who TEXT NOT NULL, what TEXT NOT NULL)")?;
        Ok(())
    }

    /// Stores the owner of the token with the connection. The host has verified the token before.
    #[hook]
    fn authorize(&self, req: &ConnectRequest) -> Result<Visitor, Refusal> {
        let admin = req.try_identity::<Admin>()?;
        Ok(Visitor { admin: admin.map(|admin| admin.name) })
    }

    #[hook]
    fn should_connection_be_readonly(&self, conn: &Connection<Self>) -> Result<bool> {
        Ok(conn.state()?.admin.is_none())
    }

    #[hook]
    fn validate_state_change(&self, next: &Board, _source: &StateSource<Self>) -> Result<()> {
        if next.announcement.chars().count() > 120 {
            return Err(Error::msg("an announcement has at most 120 characters"));
        }
        Ok(())
    }

    /// Logs each change that a client pushes. Changes by callables write their own lines.
    #[hook]
    fn on_state_changed(&self, cx: &Context<Self>, change: StateChange<Self>) -> Result<()> {
        if !change.source.is_client() {
            return Ok(());
        }
        let who = self.name_of(change.source.connection())?;
        self.write(cx, who, format!("announced: {}", change.state.announcement))
    }

    /// Logs refused attempts. The agent writes these lines itself. All visitors read the log, so the line
    /// leaves out `rejection.message`, which may contain details that clients should not see.
    #[hook]
    fn on_state_rejected(&self, cx: &Context<Self>, rejection: StateRejection<Self>) -> Result<()> {
        let who = self.name_of(rejection.source.connection())?;
        let what = match rejection.attempt {
            Attempt::State => "the state",
            _ => "the log",
        };
        self.write(cx, who, format!("was refused: {what} is not theirs to write"))
    }

    /// Sets the status of a service.
    #[callable]
    fn set_health(
        &self,
        cx: &Context<Self>,
        conn: &Connection<Self>,
        service: String,
        health: Health,
    ) -> Result<()> {
        if !cx.state()?.services.contains_key(&service) {
            return Err(Error::msg("there is no such service"));
        }
        cx.update_state(|board| board.services.insert(service.clone(), health))?;
        let word = match health {
            Health::Up => "up",
            Health::Slow => "slow",
            Health::Down => "down",
        };
        self.write(cx, self.name_of(Some(conn))?, format!("set {service} to {word}"))
    }

    /// Writes a line into the log. The call changes no state, so only `strict` refuses a visitor.
    #[callable]
    fn note(&self, cx: &Context<Self>, conn: &Connection<Self>, text: String) -> Result<()> {
        self.write(cx, self.name_of(Some(conn))?, format!("noted: {text}"))
    }

    #[callable]
    fn who_am_i(&self, conn: &Connection<Self>) -> Result<Visitor> {
        conn.state().map(std::sync::Arc::unwrap_or_clone)
    }

    /// Returns the last lines of the log, oldest first.
    #[callable]
    fn log(&self, cx: &View<Self>) -> Result<Vec<Entry>> {
        let mut entries: Vec<Entry> = sql!(cx, "SELECT who, what FROM log ORDER BY rowid DESC LIMIT 50")?;
        entries.reverse();
        Ok(entries)
    }

    fn name_of(&self, conn: Option<&Connection<Self>>) -> Result<String> {
        Ok(match conn {
            Some(conn) => conn.state()?.admin.clone().unwrap_or_else(|| "a visitor".to_owned()),
            None => "the agent".to_owned(),
        })
    }

    fn write(&self, cx: &Context<Self>, who: String, what: String) -> Result<()> {
        sql!(cx, "INSERT INTO log (who, what) VALUES ({who}, {what})")?;
        cx.broadcast(&Event::Entry { entry: Entry { who, what } })
    }
}

#[derive(Deserialize)]
#[serde(crate = "agents::serde")]
struct SignIn {
    name: String,
    password: String,
}

#[derive(Serialize)]
#[serde(crate = "agents::serde")]
struct SignedIn {
    token: String,
}

/// Checks the password and returns a token. A password in the source is for a demonstration only; the signed
/// token is not.
async fn sign_in(
    State(tokens): State<Tokens<Admin>>,
    Json(SignIn { name, password }): Json<SignIn>,
) -> Result<Json<SignedIn>> {
    if password != "swordfish" {
        return Err(Error::unauthorized("wrong password"));
    }
    let token = tokens.sign(&Admin { name }, SIGN_IN)?;
    Ok(Json(SignedIn { token }))
}

#[tokio::main]
async fn main() -> Result<()> {
    let tokens = Tokens::<Admin>::random()?.audience("dashboard");
    let routes = Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/login", post(sign_in))
        .with_state(tokens.clone());
    Agents::new()
        .register::<StatusBoard>()
        // A visitor without a token watches; a request with an invalid token is refused.
        .authorize(tokens.optional())
        .routes(routes)
        .run()
        .await
}
