//! The import of cards.

use agents::serde_json::{Value, json};
use agents::testing::TestHost;

use crate::{owner, program, titles};

#[tokio::test(start_paused = true)]
async fn an_import_reports_its_progress_and_the_lines_that_are_no_cards() {
    let host = TestHost::start(program).unwrap();
    let (user, mut ann) = owner(&host).await;
    let mut lines: Vec<String> =
        (0..120).map(|n| json!({ "title": format!("card {n}") }).to_string()).collect();
    lines.insert(1, "nonsense".to_owned());
    lines.insert(2, String::new());
    lines.insert(3, json!({ "title": "x", "column": "Never" }).to_string());
    lines.push(json!({ "title": "last", "column": "Done", "description": "with a text" }).to_string());
    let text = lines.join("\n");
    let (_, file) = user.upload("name=cards.jsonl", text.clone()).await;

    let call = ann.start_call("import", (&file["id"],)).await;
    let answer = ann.answer(&call).await;
    assert_eq!((&answer["success"], &answer["result"]["added"]), (&json!(true), &json!(121)), "{answer}");
    assert_eq!(answer["result"]["skipped"], 2);
    let problems = answer["result"]["problems"].as_array().unwrap();
    assert_eq!(problems.iter().map(|problem| &problem["line"]).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(problems[1]["message"], "there is no column `Never`");

    // The progress came before the answer, with one state for each turn.
    let frames = ann.drain_json().await;
    let progress: Vec<&Value> = frames.iter().filter(|frame| frame["id"] == call.as_str()).collect();
    let added: Vec<_> = progress.iter().map(|frame| frame["result"]["added"].as_u64().unwrap()).collect();
    assert!(added.len() > 1 && added.is_sorted(), "{added:?}");
    assert_eq!(progress[0]["result"]["size"], text.len());
    let states = frames.iter().filter(|frame| frame["type"] == "cf_agent_state").count();
    assert!(states <= added.len() + 1, "{states} states for {} turns", added.len());

    let titles = titles(&user).await;
    assert_eq!((titles[0].len(), &*titles[0][119], &*titles[2][0]), (120, "card 119", "last"));
    // The file has done its work.
    assert_eq!(ann.call_error("import", (&file["id"],)).await, format!("there is no file {}", file["id"]));
}

#[tokio::test(start_paused = true)]
async fn an_import_stops_at_the_limit_of_the_board() {
    let host = TestHost::start(program).unwrap();
    let (user, mut ann) = owner(&host).await;
    let text = r#"{"title":"x"}"#.to_owned() + "\n";
    let (_, file) = user.upload("name=cards.jsonl", text.repeat(2_100)).await;
    let imported: Value = ann.call("import", (&file["id"],)).await;
    assert_eq!((&imported["added"], &imported["skipped"]), (&json!(2_000), &json!(100)));
    assert_eq!(imported["problems"].as_array().unwrap().len(), 20);
    assert_eq!(
        imported["problems"][0],
        json!({ "line": 2_001, "message": "a board has at most 2,000 cards" })
    );
}
