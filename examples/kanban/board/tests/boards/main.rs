//! The boards over sockets and HTTP, on a host in memory.

mod cards;
mod files;
mod import;
mod roles;
mod sleep;

use agents::axum::body::{Body, to_bytes};
use agents::http::header::{COOKIE, SET_COOKIE};
use agents::http::{Request, StatusCode};
use agents::serde_json::{self, Value, json};
use agents::testing::{TestConnection, TestHost};
use kanban::{Columns, Settings};

fn program() -> agents::Agents {
    let settings = Settings {
        session_keys: vec!["a key of tests that has 32 bytes".to_owned()],
        password: "swordfish".to_owned(),
        page: "nowhere".into(),
    };
    kanban::agents(settings).unwrap()
}

/// A user with a login.
struct User<'a> {
    host: &'a TestHost,
    cookie: String,
}

impl<'a> User<'a> {
    async fn new(host: &'a TestHost, name: &str) -> Self {
        let attempt = json!({ "name": name, "password": "swordfish" }).to_string();
        let request = Request::post("/login").header("content-type", "application/json");
        let response = host.request(request.body(Body::from(attempt)).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
        Self { host, cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    /// Connects to the lobby or to a board, and reads the greeting.
    async fn connect(&self, path: &str) -> (TestConnection, Value) {
        let mut client = self.host.connect_with(path, &[("cookie", &self.cookie)]).await;
        let state = client.greeting().await.unwrap();
        (client, state)
    }

    async fn lobby(&self) -> TestConnection {
        self.connect("/lobby").await.0
    }

    async fn board(&self) -> TestConnection {
        self.connect("/agents/board/plan").await.0
    }

    /// Sends a request to the board, and returns the status and the body of the response.
    async fn request(&self, request: agents::http::request::Builder, body: Body) -> (StatusCode, Vec<u8>) {
        let response = self.host.request(request.header(COOKIE, &self.cookie).body(body).unwrap()).await;
        let status = response.status();
        (status, to_bytes(response.into_body(), usize::MAX).await.unwrap().into())
    }

    async fn upload(&self, query: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let request = Request::post(format!("/agents/board/plan/files?{query}"));
        let (status, body) = self.request(request, body.into()).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn download(&self, file: &Value) -> (StatusCode, Vec<u8>) {
        self.request(Request::get(format!("/agents/board/plan/files/{file}")), Body::empty()).await
    }
}

/// Returns the owner of the board `plan` and a client of it.
async fn owner(host: &TestHost) -> (User<'_>, TestConnection) {
    let ann = User::new(host, "ann").await;
    ann.lobby().await.call::<()>("create", ("plan",)).await;
    let board = ann.board().await;
    (ann, board)
}

async fn add(board: &mut TestConnection, title: &str) -> i64 {
    board.call::<Value>("addCard", (json!({ "title": title }),)).await["id"].as_i64().unwrap()
}

/// Waits for a state and returns the titles of the cards in each column.
async fn titles(user: &User<'_>) -> Vec<Vec<String>> {
    let (_, state) = user.connect("/agents/board/plan").await;
    let board: Columns = serde_json::from_value(state).unwrap();
    board
        .columns
        .into_iter()
        .map(|column| column.cards.into_iter().map(|card| card.title).collect())
        .collect()
}
