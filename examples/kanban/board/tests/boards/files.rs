//! Files.

use std::time::Duration;

use agents::axum::body::Body;
use agents::http::{Request, StatusCode};
use agents::serde_json::{Value, json};
use agents::testing::TestHost;

use crate::{User, add, owner, program};

const LIMIT: usize = 8 * 1024 * 1024;

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

#[tokio::test(start_paused = true)]
async fn a_file_comes_back_as_it_was() {
    let host = TestHost::start(program).unwrap();
    let (user, mut ann) = owner(&host).await;
    let card = add(&mut ann, "x").await;
    for length in [0, 1, 256 * 1024, 700_000] {
        let (status, file) = user.upload(&format!("card={card}&name=a%20b.bin"), bytes(length)).await;
        assert_eq!(
            (status, &file["name"], &file["size"]),
            (StatusCode::OK, &json!("a b.bin"), &json!(length))
        );
        assert_eq!(user.download(&file["id"]).await, (StatusCode::OK, bytes(length)));
    }
    let (_, state) = user.connect("/agents/board/plan").await;
    assert_eq!(state["columns"][0]["cards"][0]["files"], 4);

    // A file goes with its card.
    let details: Value = ann.call("card", (card,)).await;
    let file = details["files"][0]["id"].clone();
    ann.call::<()>("removeFile", (details["files"][1]["id"].clone(),)).await;
    assert_eq!(ann.call::<Value>("card", (card,)).await["files"].as_array().unwrap().len(), 3);
    ann.call::<()>("removeCard", (card,)).await;
    assert_eq!(user.download(&file).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_file_above_the_limit_leaves_nothing() {
    let host = TestHost::start(program).unwrap();
    let (user, mut ann) = owner(&host).await;
    let card = add(&mut ann, "x").await;
    let query = format!("card={card}&name=x");
    let (status, error) = user.upload(&query, bytes(LIMIT + 1)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(error["message"], "a file has at most 8 MiB");
    assert_eq!(ann.call::<Value>("card", (card,)).await["files"], json!([]));
    // The parts that were stored do not count any more: the board has room for 8 files of this size.
    for _ in 0..8 {
        assert_eq!(user.upload(&query, bytes(LIMIT)).await.0, StatusCode::OK);
    }
    let (status, error) = user.upload(&query, bytes(1)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(error["message"], "the files of a board have at most 64 MiB");
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let host = TestHost::start(program).unwrap();
    let (user, mut ann) = owner(&host).await;
    let card = add(&mut ann, "x").await;
    for _ in 0..20 {
        let pieces = vec![Ok(bytes(LIMIT / 2)), Err(std::io::Error::other("the client is gone"))];
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let request = Request::post(format!("/agents/board/plan/files?card={card}&name=x"));
        assert_eq!(user.request(request, body).await.0, StatusCode::BAD_REQUEST);
    }
    // The room for 8 files is still there.
    for _ in 0..8 {
        assert_eq!(user.upload(&format!("card={card}&name=x"), bytes(LIMIT)).await.0, StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_waits_an_hour_for_its_import() {
    let host = TestHost::start(program).unwrap();
    let (user, mut ann) = owner(&host).await;
    let (_, first) = user.upload("name=cards", "{}").await;
    host.advance(Duration::from_secs(50 * 60)).await;
    let (_, second) = user.upload("name=cards", "{}").await;
    host.advance(Duration::from_secs(20 * 60)).await;
    assert_eq!(ann.call_error("import", (&first["id"],)).await, format!("there is no file {}", first["id"]));
    assert_eq!(ann.call::<Value>("import", (&second["id"],)).await["skipped"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_makes_no_sense_is_refused() {
    let host = TestHost::start(program).unwrap();
    let (user, _) = owner(&host).await;
    assert_eq!(user.upload("card=7&name=x", "x").await.0, StatusCode::NOT_FOUND);
    assert_eq!(user.upload("card=x&name=x", "x").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(user.upload("", "x").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(user.download(&json!(1)).await.0, StatusCode::NOT_FOUND);
    let request = Request::delete("/agents/board/plan/files/1");
    assert_eq!(user.request(request, Body::empty()).await.0, StatusCode::NOT_FOUND);
    let stranger = User::new(&host, "bob").await;
    assert_eq!(stranger.upload("name=x", "x").await.0, StatusCode::NOT_FOUND);
}
