//! Boards that sleep, crash and are started again.

use agents::serde_json::Value;
use agents::testing::TestHost;

use crate::{User, add, owner, program, titles};

#[tokio::test(start_paused = true)]
async fn a_board_keeps_everything_over_sleep_and_a_restart() {
    let host = TestHost::start(program).unwrap();
    let (user, mut ann) = owner(&host).await;
    ann.call::<()>("share", ("bob", "viewer")).await;
    let mut bob = User::new(&host, "bob").await.board().await;
    let card = add(&mut ann, "x").await;
    let (_, file) = user.upload(&format!("card={card}&name=x"), "text").await;

    host.object("board", "plan").hibernate().await.unwrap();
    // The connections know their members, and who may only read.
    assert_eq!(bob.call_error("removeCard", (card,)).await, "Connection is readonly");
    ann.call::<()>("moveCard", (card, "Done", Value::Null)).await;
    let cookie = user.cookie.clone();

    let host = host.restart().await.unwrap();
    let user = User { host: &host, cookie };
    assert_eq!(titles(&user).await, [vec![], vec![], vec!["x"]]);
    assert_eq!(user.download(&file["id"]).await.1, b"text");
    let (_, lobby) = user.connect("/lobby").await;
    assert_eq!(lobby["boards"][0]["board"], "plan");
}

#[tokio::test(start_paused = true)]
async fn no_client_notices_that_a_board_sleeps_and_crashes() {
    for seed in 0..3 {
        let host = TestHost::chaos(seed, program).unwrap();
        let (user, mut ann) = owner(&host).await;
        ann.call::<()>("share", ("bob", "editor")).await;
        let mut bob = User::new(&host, "bob").await.board().await;
        for n in 0..4 {
            let card = add(&mut ann, &n.to_string()).await;
            bob.call::<()>("moveCard", (card, "Doing", Value::Null)).await;
        }
        assert_eq!(titles(&user).await[1], ["0", "1", "2", "3"], "seed {seed}");
        assert_eq!(ann.call::<Vec<Value>>("audit", ()).await.len(), 10, "seed {seed}");
    }
}
