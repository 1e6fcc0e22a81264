//! The command `migrate --check`: what it prints, and its exit code.

use crate::conformance::{self, Program};

#[tokio::test]
async fn the_check_of_stored_agents_prints_those_that_would_not_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let program = Program::start(&data).await;
    for path in ["test-counter/a%20b", "test-counter/b", "test-game/g"] {
        program.connect(&format!("/agents/{path}")).await.drain().await;
    }
    let check = async |args: &[&str]| {
        let done = conformance::run(&[&["migrate", "--check"], args].concat(), &data).await;
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (done.status.code(), text(done.stdout), text(done.stderr))
    };
    let (code, out, log) = check(&[]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""), "{log}");
    assert!(log.contains("a running host has the data folder") && log.contains("stop it"), "{log}");
    program.kill();
    for _ in 0..2 {
        let (code, out, log) = check(&[]).await;
        assert_eq!((code, out.as_str()), (Some(0), "3 agents checked, 0 would not start\n"), "{log}");
        assert!(!log.contains("started") && !log.contains("stopped"), "no host is served: {log}");
    }
    let (_, out, _) = check(&["--class", "test-counter", "--sample", "1"]).await;
    assert_eq!(out, "1 agents checked, 0 would not start\n");

    std::fs::write(data.join("test-counter/b.sqlite"), "no database").expect("a damage");
    let (code, out, log) = check(&[]).await;
    assert_eq!(code, Some(1), "{log}");
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with("test-counter/b: file: "), "{out}");
    assert!(lines[0].ends_with("(storage_corrupt)"), "{out}");
    assert_eq!(lines[1..], ["3 agents checked, 1 would not start"]);
    let needed = conformance::run(&["migrate"], &data).await;
    assert_eq!(needed.status.code(), Some(2), "only the check exists");
}
