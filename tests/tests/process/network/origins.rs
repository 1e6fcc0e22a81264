//! Origins by command line, the warning without origins, and secrets that the log must not contain.

use agents_tests::{Client, Received};

use crate::conformance::{self, Program};

const AGENT: &str = "/agents/test-counter/a";

async fn is_let_in(program: &Program, origin: &str) -> bool {
    let mut page = Client::connect(program.addr(), AGENT, &[("origin", origin)]).await;
    match page.next().await {
        Received::Text(_) => true,
        Received::Close(4403, reason) if reason == "origin not allowed" => false,
        other => panic!("{origin}: {other:?}"),
    }
}

#[tokio::test]
async fn s113_origins_are_given_by_argument_or_variable() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = ("https://one.example", "https://two.example");
    for (n, (args, variables, allowed)) in [
        (&["--origin", one, "--origin", two][..], &[][..], &[one, two][..]),
        (&["--origin", "https://One.example/"], &[], &[one]),
        (&[], &[("AGENTS_ORIGINS", "https://one.example,https://two.example")], &[one, two]),
        (&["--origin", one], &[("AGENTS_ORIGINS", two)], &[one]),
        // An empty list allows every origin.
        (&[], &[("AGENTS_ORIGINS", "")], &[one, two, "https://evil.example"]),
    ]
    .into_iter()
    .enumerate()
    {
        let data = folder.path().join(n.to_string());
        let (program, _) = Program::start_on(&data, "127.0.0.1:0", args, variables).await;
        for origin in [one, two, "https://evil.example"] {
            assert_eq!(is_let_in(&program, origin).await, allowed.contains(&origin), "{args:?} {origin}");
        }
    }
    let output =
        conformance::run(&["serve", "--addr", "127.0.0.1:0", "--origin", "app.example"], folder.path()).await;
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(!output.status.success() && stderr.contains("`app.example` is not an origin"), "{stderr}");
}

#[tokio::test]
async fn s113_who_serves_others_is_told_to_name_origins() {
    let folder = tempfile::tempdir().expect("a folder");
    let warning = "pages of any origin can reach the agents";
    for (n, (addr, args, warned)) in [
        ("0.0.0.0:0", &[][..], true),
        ("0.0.0.0:0", &["--origin", "https://app.example"], false),
        ("127.0.0.1:0", &[], false),
    ]
    .into_iter()
    .enumerate()
    {
        let data = folder.path().join(n.to_string());
        let (mut program, _) = Program::start_on(&data, addr, args, &[]).await;
        let log = program.stderr();
        assert_eq!(log.matches(warning).count(), usize::from(warned), "{addr} {args:?}: {log}");
        assert_eq!(log.contains("--origin"), warned);
    }
}

/// Tokens are in queries, headers and cookies. The log must not contain them.
#[tokio::test]
async fn s113_no_log_has_the_secrets_of_a_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let (mut program, _) = Program::start_on(&data, "127.0.0.1:0", &[], &[("RUST_LOG", "trace")]).await;
    let path = "/agents/test-counter/a?token=s3cret-query";
    let headers = [("authorization", "Bearer s3cret-header"), ("cookie", "session=s3cret-cookie")];
    let mut client = Client::connect(program.addr(), path, &headers).await;
    client.greeting(true).await;
    client.call("increment", serde_json::json!([])).await;
    client.call_error("panics", serde_json::json!([])).await;
    client.close(Some((4000, "bye"))).await;
    for class in ["test-counter", "unknown"] {
        let mut request =
            reqwest::Client::new().get(program.url(&format!("/agents/{class}/a?fail=1&token=s3cret-query")));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send().await.expect("an answer").text().await.expect("a body");
        Client::connect(program.addr(), &format!("/agents/{class}/..?token=s3cret-query"), &headers)
            .await
            .end()
            .await;
    }
    let log = program.stderr();
    assert!(log.contains("secret detail in a panic"), "the log is on: {log}");
    let leaked: Vec<_> = log.lines().filter(|line| line.contains("s3cret")).collect();
    assert!(leaked.is_empty(), "{leaked:#?}");
}
