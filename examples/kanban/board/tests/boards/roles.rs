//! Roles.

use agents::axum::body::Body;
use agents::http::{Request, StatusCode};
use agents::serde_json::{Value, json};
use agents::testing::{Received, TestHost};

use crate::{User, add, owner, program};

#[tokio::test(start_paused = true)]
async fn a_viewer_reads_and_changes_nothing() {
    let host = TestHost::start(program).unwrap();
    let (_, mut ann) = owner(&host).await;
    let card = add(&mut ann, "write").await;
    ann.call::<()>("share", ("bob", "viewer")).await;
    let viewer = User::new(&host, "bob").await;
    let (mut bob, state) = viewer.connect("/agents/board/plan").await;
    assert_eq!(state["columns"][0]["cards"][0]["title"], "write");
    assert_eq!(bob.call::<Value>("card", (card,)).await["description"], "");
    for (method, args) in [
        ("addCard", json!([{ "title": "mine" }])),
        ("moveCard", json!([card, "Done", null])),
        ("editCard", json!([card, "other", ""])),
        ("removeCard", json!([card])),
        ("addColumn", json!(["Later"])),
        ("removeColumn", json!(["Done"])),
        ("removeFile", json!([1])),
        ("import", json!([1])),
    ] {
        assert_eq!(bob.call_error(method, args).await, "Connection is readonly", "{method}");
    }
    for (method, args) in [("share", json!(["bob", "owner"])), ("audit", json!([]))] {
        assert_eq!(bob.call_error(method, args).await, "Insufficient permissions", "{method}");
    }
    assert_eq!(viewer.upload("name=x", "x").await.0, StatusCode::FORBIDDEN);

    // Owners see each attempt.
    let audit = ann.call::<Vec<Value>>("audit", ()).await;
    let refused = |entry: &&Value| entry["who"] == "bob" && entry["change"]["type"] == "refused";
    assert_eq!(audit.iter().filter(refused).count(), 11, "{audit:?}");
    // All members read the changes of cards alone.
    let history = bob.call::<Vec<Value>>("history", ()).await;
    assert_eq!(history.iter().map(|entry| &entry["change"]["type"]).collect::<Vec<_>>(), ["cardAdded"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_role_counts_at_once() {
    let host = TestHost::start(program).unwrap();
    let (_, mut ann) = owner(&host).await;
    ann.call::<()>("share", ("bob", "viewer")).await;
    let mut bob = User::new(&host, "bob").await.board().await;
    ann.call::<()>("share", ("bob", "editor")).await;
    add(&mut bob, "mine").await;
    ann.call::<()>("share", ("bob", Value::Null)).await;
    assert_eq!(bob.end().await, Received::Close(4403, "you are no longer a member".to_owned()));
    assert_eq!(ann.call_error("share", ("ann", "editor")).await, "a board needs an owner");
}

#[tokio::test(start_paused = true)]
async fn the_lobby_of_a_user_follows_the_boards() {
    let host = TestHost::start(program).unwrap();
    let (_, mut ann) = owner(&host).await;
    let (mut lobby, state) = User::new(&host, "bob").await.connect("/lobby").await;
    assert_eq!(state, json!({ "boards": [] }));
    assert_eq!(lobby.call_error("create", ("plan",)).await, "there is a board of this name");
    ann.call::<()>("share", ("bob", "viewer")).await;
    let pushed = lobby.json().await;
    assert_eq!(pushed["state"], json!({ "boards": [{ "board": "plan", "role": "viewer" }] }));
}

#[tokio::test(start_paused = true)]
async fn a_stranger_neither_reaches_a_board_nor_makes_one() {
    let host = TestHost::start(program).unwrap();
    let (ann, _) = owner(&host).await;
    let mut anonymous = host.connect("/agents/board/plan").await;
    assert_eq!(anonymous.end().await, Received::Close(4401, "log in first".to_owned()));
    for path in ["/agents/board/other", "/agents/lobby/ann", "/agents/lobby/bob"] {
        let mut client = host.connect_with(path, &[("cookie", &ann.cookie)]).await;
        let refused = Received::Close(4404, "there is no such board".to_owned());
        assert_eq!(client.end().await, refused, "{path}");
    }
    let bob = User::new(&host, "bob").await;
    let (status, _) = bob.request(Request::get("/agents/board/plan/files/1"), Body::empty()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(host.object("board", "plan").status().is_some());
    assert!(host.object("board", "other").status().is_none(), "the board was not asked");
}
