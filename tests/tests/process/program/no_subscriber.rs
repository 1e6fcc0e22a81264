//! A program without a log.

use std::process::{Command, Stdio};

use agents::Agents;

/// The environment variable that decides whether the started program has a log.
const LOG: &str = "AGENTS_TEST_LOG";

/// Starts the test binary again as the program under test.
#[tokio::test]
async fn a_program_without_a_log_is_told() {
    if let Ok(log) = std::env::var(LOG) {
        if log == "on" {
            tracing_subscriber::fmt().with_writer(std::io::sink).init();
        }
        let error = Agents::new().serve("no address").await.expect_err("it cannot listen there");
        assert_eq!(error.code(), "bind");
        return;
    }
    for (log, times) in [("off", 1), ("on", 0)] {
        let mut program = Command::new(std::env::current_exe().expect("this program"));
        program.args(["--exact", "program::no_subscriber::a_program_without_a_log_is_told", "--nocapture"]);
        let output = program.env(LOG, log).stdin(Stdio::null()).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"),
            "{said}"
        );
        assert_eq!(said.matches("the log is off").count(), times, "{said}");
    }
}
