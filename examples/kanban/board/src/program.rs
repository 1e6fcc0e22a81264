//! The program: its agents, its routes, and who is admitted.

use std::env::var;
use std::future::ready;
use std::path::PathBuf;

use agents::auth::Sessions;
use agents::prelude::*;
use tower_http::services::ServeDir;

use crate::login::{self, Login, User};
use crate::{Board, Lobby};

/// The folder of the page, which `npm run build` in `web` makes.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/dist");

/// The password without `KANBAN_PASSWORD`.
const PASSWORD: &str = "swordfish";

/// The settings of the program.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The keys of sessions, of 32 bytes or more: the first one signs. Without a key, logins end with the program.
    pub session_keys: Vec<String>,
    /// The password of all users.
    pub password: String,
    /// The folder of the page.
    pub page: PathBuf,
}

impl Settings {
    /// Reads `SESSION_KEYS`, separated by commas, `KANBAN_PASSWORD` and `KANBAN_PAGE`.
    pub fn from_environment() -> Self {
        let keys = var("SESSION_KEYS").unwrap_or_default();
        Self {
            session_keys: keys.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect(),
            password: var("KANBAN_PASSWORD").unwrap_or_else(|_| PASSWORD.to_owned()),
            page: var("KANBAN_PAGE").unwrap_or_else(|_| PAGE.to_owned()).into(),
        }
    }
}

/// Returns the program.
///
/// # Errors
/// With the code `session_key` when a key has fewer than 32 bytes.
pub fn agents(settings: Settings) -> Result<Agents> {
    let Settings { session_keys, password, page } = settings;
    let sessions = match &*session_keys {
        [] => Sessions::random()?,
        keys => Sessions::<User>::new(keys)?,
    };
    let login = Login { sessions: sessions.clone(), password: password.into() };
    let visitors = sessions.clone();
    Ok(Agents::new()
        .register::<Lobby>()
        .register::<Board>()
        .route_to::<Lobby>("/lobby", move |request: ConnectRequest| {
            ready(visitors.verify(&request).map(|user| user.name))
        })
        .authorize(move |incoming: AdmissionRequest| admit(incoming, sessions.clone()))
        .routes(login::routes(login).fallback_service(ServeDir::new(page))))
}

/// Admits users to their own lobby, and to the boards that their lobby lists. So the board of a name that was made up
/// does not even wake.
async fn admit(incoming: AdmissionRequest, sessions: Sessions<User>) -> Result<Admission, Refusal> {
    let user = sessions.verify(incoming.request())?;
    let found = match incoming.named_by_client() {
        true if incoming.is_for::<Board>() => {
            let lobby = incoming.agent::<Lobby>(&user.name);
            lobby.has(incoming.name().to_owned()).await?
        }
        // The name of a lobby comes from the session alone.
        by_name => !by_name,
    };
    if !found {
        return Err(Refusal::not_found("there is no such board"));
    }
    Ok(Admission::pass().identity(&user)?)
}
