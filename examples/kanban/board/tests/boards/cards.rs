//! Cards and their order.

use agents::serde_json::{Value, json};
use agents::testing::TestHost;

use crate::{User, add, owner, program, titles};

#[tokio::test(start_paused = true)]
async fn two_writers_agree_on_the_order() {
    let host = TestHost::start(program).unwrap();
    let (user, mut ann) = owner(&host).await;
    let [one, two, three, four] = [
        add(&mut ann, "1").await,
        add(&mut ann, "2").await,
        add(&mut ann, "3").await,
        add(&mut ann, "4").await,
    ];
    ann.call::<()>("share", ("bob", "editor")).await;
    let mut bob = User::new(&host, "bob").await.board().await;

    // Both have seen 1 2 3 4. A place is named by a neighbour, so neither move depends on the other one.
    tokio::join!(
        ann.call::<()>("moveCard", (four, "To do", one)),
        bob.call::<()>("moveCard", (two, "To do", three)),
    );
    assert_eq!(titles(&user).await[0], ["4", "1", "2", "3"]);

    // A neighbour that has left the column: the card goes to the end.
    ann.call::<()>("moveCard", (one, "Done", Value::Null)).await;
    bob.call::<()>("moveCard", (two, "To do", one)).await;
    assert_eq!(titles(&user).await, [vec!["4", "3", "2"], vec![], vec!["1"]]);

    // A card that the other one has removed.
    ann.call::<()>("removeCard", (three,)).await;
    assert_eq!(
        bob.call_error("moveCard", (three, "Done", Value::Null)).await,
        format!("there is no card {three}")
    );

    // A move to nowhere leaves the card where it is.
    assert_eq!(bob.call_error("moveCard", (two, "Never", Value::Null)).await, "there is no column `Never`");
    assert_eq!(titles(&user).await[0], ["4", "2"]);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_refused() {
    let host = TestHost::start(program).unwrap();
    let (user, mut ann) = owner(&host).await;
    for (method, args, message) in [
        ("addCard", json!([{ "title": " " }]), "a title is missing"),
        ("addCard", json!([{ "title": "x".repeat(201) }]), "a title has at most 200 bytes"),
        ("addCard", json!([{ "title": "x", "column": "Never" }]), "there is no column `Never`"),
        ("addColumn", json!(["Done"]), "there is a column `Done`"),
    ] {
        assert_eq!(ann.call_error(method, args).await, message);
    }
    add(&mut ann, "x").await;
    assert_eq!(ann.call_error("removeColumn", ("To do",)).await, "the column `To do` has cards");
    ann.call::<()>("removeColumn", ("Done",)).await;
    assert_eq!(titles(&user).await, [vec!["x"], vec![]]);
    // No refused card has left a row.
    let kinds: Vec<Value> = ann.call("history", ()).await;
    assert_eq!(kinds.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_history_has_pages() {
    let host = TestHost::start(program).unwrap();
    let (_, mut ann) = owner(&host).await;
    for n in 0..5 {
        add(&mut ann, &n.to_string()).await;
    }
    let mut seen = Vec::new();
    let mut before = Value::Null;
    loop {
        let page: Vec<Value> = ann.call("history", (before, 2)).await;
        let Some(last) = page.last() else { break };
        before = last["id"].clone();
        seen.extend(page.iter().map(|entry| entry["change"]["title"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
}
