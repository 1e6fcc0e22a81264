//! The errors and warnings of a program that cannot start, or should not start as it is.

use std::process::{Command, Output, Stdio};

use agents::Agents;
use tempfile::TempDir;

use crate::conformance::{clean, command};

/// Runs a program in an empty folder until it ends; returns its error output.
fn failed(mut command: Command) -> String {
    let folder = TempDir::new().expect("a folder");
    let output = command.current_dir(folder.path()).stdin(Stdio::null()).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(output.stdout, b"", "no address was printed");
    String::from_utf8(output.stderr).expect("UTF-8")
}

fn empty(args: &[&str]) -> Output {
    let folder = TempDir::new().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_empty"));
    clean(&mut command).args(args).current_dir(folder.path()).stdin(Stdio::null());
    command.output().expect("it runs")
}

#[test]
fn an_address_of_another_form_shows_the_right_one() {
    let text = "an address is a host and a port up to 65535, for example `127.0.0.1:8791` (bind)\n";
    let from_variable = {
        let mut command = command();
        command.env("AGENTS_ADDR", "8791");
        failed(command)
    };
    let setting = "`--addr` or `AGENTS_ADDR`";
    assert_eq!(from_variable, format!("Error: cannot listen on `8791` ({setting}): {text}"));
    let from_option = {
        let mut command = command();
        command.args(["--addr", ":8791"]);
        failed(command)
    };
    assert_eq!(from_option, format!("Error: cannot listen on `:8791` ({setting}): {text}"));
    let of_metrics = {
        let mut command = command();
        command.args(["--addr", "127.0.0.1:0"]).env("AGENTS_METRICS_ADDR", "8791");
        failed(command)
    };
    let setting = "`--metrics-addr`, `AGENTS_METRICS_ADDR` or `Agents::metrics`";
    assert_eq!(of_metrics, format!("Error: cannot listen on `8791` ({setting}): {text}"));
}

#[test]
fn an_unknown_format_of_the_log_is_an_error() {
    let mut command = command();
    command.args(["--addr", "127.0.0.1:0"]).env("AGENTS_LOG_FORMAT", "xml");
    assert_eq!(
        failed(command),
        "Error: AGENTS_LOG_FORMAT is `xml`, which is no format of the log: use `text` or `json` (log_format)\n"
    );
}

#[test]
fn a_program_without_a_class_is_told() {
    const WARNING: &str = "WARN agents::host: no class is registered, so there are no agents: add each class with `Agents::register`\n";
    let listed = empty(&["list", "--data", "."]);
    assert_eq!((listed.status.code(), &*listed.stdout), (Some(0), &b""[..]));
    let stderr = String::from_utf8(listed.stderr).expect("UTF-8");
    assert!(stderr.ends_with(WARNING) && stderr.lines().count() == 1, "{stderr}");

    let typed = empty(&["types", "--out", "web"]);
    assert_eq!((typed.status.code(), &*typed.stdout), (Some(1), &b""[..]));
    assert_eq!(
        String::from_utf8(typed.stderr).expect("UTF-8"),
        "Error: no class of agents is registered, so there are no types: add each class with `Agents::register` \
         (no_class)\n"
    );

    let served = empty(&["serve", "--addr", "127.0.0.1:0", "--data", "/dev/null/data"]);
    assert_eq!(served.status.code(), Some(1));
    let stderr = String::from_utf8(served.stderr).expect("UTF-8");
    assert!(stderr.contains(WARNING), "{stderr}");
}

#[test]
fn a_host_without_a_runtime_is_an_error_and_no_panic() {
    let folder = TempDir::new().expect("a folder");
    let error = Agents::new().data_dir(folder.path()).start().expect_err("there is no runtime");
    assert_eq!(
        format!("{error:?}"),
        "a host needs a tokio runtime: start it in an `async fn` under `#[tokio::main]`, or within \
         `Runtime::enter` (no_runtime)"
    );
}
