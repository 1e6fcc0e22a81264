//! Names that look like paths: each is a name or an error, and no file outside of the data folder is written.

use std::collections::BTreeSet;
use std::path::Path;

use agents::wire::name::canonical;
use agents_tests::{Client, Received};
use serde_json::{Value, json};

use crate::conformance::{self, Program};
use crate::network::http::get;

/// Returns all files and folders below a folder, except those in `without`.
fn tree(root: &Path, without: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path == without {
                continue;
            }
            let content = if path.is_dir() { Vec::new() } else { std::fs::read(&path).expect("a file") };
            found.insert(format!("{} {content:?}", path.display()));
            if path.is_dir() {
                open.push(path);
            }
        }
    }
    found
}

/// Names as a request contains them, and whether they are valid.
fn names() -> Vec<(Vec<u8>, bool)> {
    let mut names: Vec<(Vec<u8>, bool)> = [
        // A segment that a URL parser would resolve is not a name.
        ("..", false),
        (".", false),
        ("%2e%2e", false),
        ("%2E.", false),
        (".%2e", false),
        ("%2e", false),
        // A text that is not UTF-8 is not a name.
        ("%ff%fe", false),
        ("a%C3", false),
        // All of these are names.
        ("...", true),
        ("..%2f..%2f..%2fbeside%2fkeep.txt", true),
        ("..%2F..%2Fescape", true),
        ("%2Fetc%2Fpasswd", true),
        ("%5c..%5c..%5cescape", true),
        ("..%00", true),
        ("%00", true),
        ("a%00.sqlite", true),
        ("%", true),
        ("%zz", true),
        ("%2500", true),
        ("~", true),
        ("-rf", true),
        ("a.sqlite", true),
        ("a.sqlite-wal", true),
        ("a.sqlite-journal", true),
        ("A", true),
        ("a", true),
        ("a.", true),
        (".a", true),
        ("con", true),
        ("CON", true),
        ("nul.txt", true),
        ("com1", true),
        ("COM1", true),
        ("lpt9.txt", true),
        ("aux", true),
        ("a%20", true),
        ("a+", true),
        ("a..", true),
        // The same letter in two forms of Unicode, and texts that some file systems treat as equal.
        ("%C3%A9", true),
        ("e%CC%81", true),
        ("%C3%89", true),
        ("%E2%84%AA", true),
        ("k", true),
        ("K", true),
        ("*", true),
        ("a:b", true),
        ("'; DROP TABLE x; --".replace(' ', "+").leak(), true),
        ("$(touch+escape)", true),
    ]
    .map(|(name, good)| (name.as_bytes().to_vec(), good))
    .into();
    names.extend([(b"x".repeat(1024), true), (b"x".repeat(1025), false), (b"x".repeat(10 * 1024), false)]);
    names.push((b"%2e".repeat(341), true));
    names
}

#[tokio::test]
async fn a_name_is_never_a_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let (root, data) = (folder.path(), folder.path().join("data"));
    std::fs::create_dir(root.join("beside")).expect("a folder");
    std::fs::write(root.join("beside/keep.txt"), "kept").expect("a file");
    let before = tree(root, &data);
    let mut program = Program::start(&data).await;
    let mut good = Vec::new();
    for (name, is_name) in names() {
        let shown = String::from_utf8_lossy(&name).into_owned();
        let form = canonical(&shown).map(|form| form.into_owned());
        let number = good.len() + 1;
        let target = [b"/agents/test-counter/", &name[..], format!("?set={number}").as_bytes()].concat();
        let (status, answer) = get(program.addr(), &target).await;
        if is_name {
            assert_eq!(status, Some(200), "{shown}: {answer}");
            good.push((form.expect("a name"), number));
        } else {
            assert_eq!(status, Some(400), "{shown}: {answer}");
            let mut socket = program.connect(&format!("/agents/test-counter/{shown}")).await;
            match socket.next().await {
                Received::Close(4400, reason) => assert!(!reason.is_empty()),
                other => panic!("{shown}: {other:?}"),
            }
        }
    }
    // Each name leads to a different agent, over HTTP and over a socket.
    for (name, number) in &good {
        let (_, answer) = get(program.addr(), format!("/agents/test-counter/{name}").as_bytes()).await;
        let body = answer.lines().find(|line| line.starts_with('{')).unwrap_or_default();
        let body: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{name}: {answer}"));
        assert_eq!((&body["name"], &body["count"]), (&json!(name), &json!(number)));
        let mut client = Client::connect(program.addr(), &format!("/agents/test-counter/{name}"), &[]).await;
        assert_eq!(client.greeting(true).await, Some(json!({ "count": number })), "{name}");
    }
    assert_eq!(tree(root, &data), before, "nothing outside of the data folder was touched");
    assert!(program.is_running());
    program.signal("TERM");
    assert!(program.exit().await.0.success());

    // The files have all the names, and no others.
    let listed = conformance::run(&["list"], &data).await;
    let mut expected: Vec<String> = good.iter().map(|(name, _)| format!("test-counter/{name}")).collect();
    expected.sort();
    assert_eq!(String::from_utf8(listed.stdout).expect("UTF-8").lines().collect::<Vec<_>>(), expected);
    assert_eq!(tree(root, &data), before);
}

#[tokio::test]
async fn other_tricks_are_not_ours_or_unknown() {
    let folder = tempfile::tempdir().expect("a folder");
    let (root, data) = (folder.path(), folder.path().join("data"));
    let before = tree(root, &data);
    let program = Program::start(&data).await;
    for (target, status) in [
        (&b"/agents/../../etc/passwd"[..], 400),
        (b"/agents/%2e%2e/x", 400),
        (b"/agents/unknown/x", 400),
        (b"/agents/TestCounter/x", 400),
        (b"/agents/test-counter%2fx", 404),
        (b"/agents/test-counter", 404),
        (b"/agents//", 404),
        (b"/agents\\test-counter\\x", 404),
        (b"/%61gents/test-counter/x", 404),
        (b"/../data/x", 404),
        (b"/x\0y", 400),
        (b"/agents/test-counter/a b", 400),
        (b"agents/test-counter/x", 400),
        (b"", 400),
    ] {
        let shown = String::from_utf8_lossy(target).into_owned();
        let (got, answer) = get(program.addr(), target).await;
        assert_eq!(got, Some(status), "{shown}: {answer}");
        if shown.starts_with("/agents/unknown") {
            assert!(answer.ends_with("Invalid request"), "{answer}");
            assert!(!answer.to_ascii_lowercase().contains("access-control"), "{answer}");
        }
    }
    // Backslashes and raw bytes above ASCII are a name or an error.
    for target in [&b"/agents/test-counter/..\\..\\escape"[..], "/agents/test-counter/ünï💥".as_bytes()] {
        let (status, answer) = get(program.addr(), target).await;
        assert!(matches!(status, Some(200 | 400)), "{answer}");
    }
    for path in ["/agents/unknown/x", "/agents/../x", "/agents/TestCounter/x"] {
        let mut socket = program.connect(path).await;
        match socket.next().await {
            Received::Close(4404, reason) => assert!(!reason.is_empty()),
            other => panic!("{path}: {other:?}"),
        }
    }
    assert_eq!(tree(root, &data), before);
    assert_eq!(program.get("/plain").await, (200, "plain".to_owned()));
}
