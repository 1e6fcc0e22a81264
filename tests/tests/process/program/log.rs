//! The log that `Agents::run` and `agents::log` install.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::conformance::Program;

/// Starts and stops a server with variables, and returns its log.
async fn session(folder: &Path, variables: &[(&str, &str)]) -> String {
    let data = folder.join("data");
    let args = ["--metrics-addr", "127.0.0.1:0"];
    let (program, _) = Program::start_on(&data, "127.0.0.1:0", &args, variables).await;
    program.join("/agents/test-counter/logged").await;
    program.signal("TERM");
    let (status, stderr) = program.exit().await;
    assert!(status.success(), "{stderr}");
    stderr
}

fn json(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

#[tokio::test]
async fn the_start_and_the_stop_are_in_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = ("CONFORMANCE_LIMITS", "handshake_ms=300");
    let lines = json(&session(folder.path(), &[("AGENTS_LOG_FORMAT", "json"), limits]).await);
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().expect("text")).collect();
    assert_eq!(messages, ["started", "listening", "stopping", "stopped"]);
    for line in &lines {
        assert_eq!((&line["level"], &line["target"]), (&"INFO".into(), &"agents::host".into()), "{line}");
    }
    let [started, listening, stopping, stopped] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(started["version"], env!("CARGO_PKG_VERSION"));
    let data = folder.path().join("data");
    assert_eq!(started["data"], data.to_str().expect("UTF-8"));
    assert_eq!(
        started["classes"],
        "echo,loud-case,test-alarm,test-counter,test-game,test-no-identity,test-no-state,test-o-auth-agent"
    );
    assert_eq!(started["limits"], "connections=4096 handshake_timeout=300ms");
    for address in [&listening["address"], &listening["metrics"]] {
        assert!(address.as_str().is_some_and(|address| address.starts_with("127.0.0.1:")), "{listening}");
    }
    for line in [stopping, stopped] {
        assert_eq!(line["reason"], "SIGTERM");
    }
    assert!(stopping["connections"].is_u64() && stopped["duration_ms"].is_u64(), "{stopping} {stopped}");
}

#[tokio::test]
async fn text_has_no_colours_in_a_file_and_the_levels_are_those_of_the_variable() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = session(folder.path(), &[]).await;
    assert!(log.contains(" INFO agents::host: started version="), "{log}");
    assert!(!log.contains('\u{1b}') && !log.contains("DEBUG"), "{log}");
    let log = session(folder.path(), &[("RUST_LOG", "agents=debgu,warn")]).await;
    assert_eq!(
        log,
        "RUST_LOG: `agents=debgu` is ignored: there is no level `debgu`, use `debug` (the levels are off, error, \
         warn, info, debug and trace)\n"
    );
}

/// Starts the test binary again as the program under test.
#[test]
fn a_program_keeps_its_own_subscriber() {
    const OWN: &str = "AGENTS_TEST_OWN_SUBSCRIBER";
    if std::env::var_os(OWN).is_some() {
        assert!(agents::log().expect("it is installed"));
        assert!(!agents::log().expect("the first one is kept"));
        return;
    }
    let mut program = Command::new(std::env::current_exe().expect("this program"));
    program.args(["--exact", "program::log::a_program_keeps_its_own_subscriber", "--nocapture"]);
    let output = program.env(OWN, "1").stdin(Stdio::null()).output().expect("it runs");
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"),
        "{output:?}"
    );
}
