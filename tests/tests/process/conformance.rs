//! The binary `conformance` in a process of its own.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use agents_tests::Client;

/// The maximum time for a step of a process.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running server. The process is killed when this value is dropped.
pub(crate) struct Program {
    child: Child,
    addr: SocketAddr,
    stderr: File,
}

/// Returns a command without environment variables from outside.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
    clean(&mut command);
    command
}

/// Removes the environment variables of servers that come from outside.
pub(crate) fn clean(command: &mut Command) -> &mut Command {
    let variables = [
        "AGENTS_ADDR",
        "AGENTS_DATA",
        "AGENTS_LOG_FORMAT",
        "AGENTS_METRICS_ADDR",
        "AGENTS_ORIGINS",
        "CONFORMANCE_LIMITS",
        "RUST_LOG",
    ];
    for name in variables {
        command.env_remove(name);
    }
    command
}

/// Runs the program until it ends and returns its output.
pub(crate) async fn run(args: &[&str], data: &Path) -> Output {
    let mut command = command();
    command.args(args).arg("--data").arg(data).stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output()).await.expect("a thread").expect("the program runs")
}

impl Program {
    /// Starts a server on a free port.
    ///
    /// The server works in the folder above its data, so that a wrong relative path would create a file
    /// there.
    pub(crate) async fn start(data: &Path) -> Self {
        Self::start_with(data, &[]).await.0
    }

    /// Starts a server with further arguments and returns its output after the first line.
    ///
    /// The server prints the whole announcement at once.
    pub(crate) async fn start_with(data: &Path, args: &[&str]) -> (Self, String) {
        Self::start_on(data, "127.0.0.1:0", args, &[]).await
    }

    /// Starts a server with other limits; see `limits` in the program.
    pub(crate) async fn start_limited(data: &Path, args: &[&str], limits: &str) -> (Self, String) {
        Self::start_on(data, "127.0.0.1:0", args, &[("CONFORMANCE_LIMITS", limits)]).await
    }

    /// Starts a server on an address, with further arguments and variables.
    pub(crate) async fn start_on(
        data: &Path,
        addr: &str,
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> (Self, String) {
        let stderr = tempfile::tempfile().expect("a file");
        let mut command = command();
        command.args(["serve", "--addr", addr, "--data"]).arg(data).args(args);
        command.envs(variables.iter().copied());
        command.current_dir(data.parent().expect("a folder above the data"));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(stderr.try_clone().expect("a second handle"));
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("its output");
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            let mut stdout = BufReader::new(stdout);
            stdout.read_line(&mut line).map(|_| (line, String::from_utf8_lossy(stdout.buffer()).into_owned()))
        });
        let (line, rest) = line.await.expect("a thread").expect("a line");
        let addr = line.trim_end().strip_prefix("listening on http://").and_then(|addr| addr.parse().ok());
        let addr = addr.unwrap_or_else(|| panic!("the first line of the server: {line:?}"));
        (Self { child, addr, stderr }, rest)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) async fn connect(&self, path: &str) -> Client {
        Client::connect(self.addr, path, &[]).await
    }

    /// Opens a socket to an agent with a state and reads the three frames of the greeting.
    pub(crate) async fn join(&self, path: &str) -> Client {
        let mut client = self.connect(path).await;
        client.greeting(true).await;
        client
    }

    /// Sends a GET request and returns the status and the body.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(self.url(path)).await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }

    /// Kills the process with a signal that it cannot handle, and waits until it has ended.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the process was running");
        self.child.wait().expect("the process is gone");
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill");
        assert!(sent.success(), "{name} was not sent");
    }

    /// Returns the peak memory of the process, in bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its status");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak.and_then(|kib| kib.trim().parse::<u64>().ok()).expect("a number") * 1024
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a status").is_none()
    }

    /// Waits until the process ends and returns its status and its standard error.
    pub(crate) async fn exit(mut self) -> (ExitStatus, String) {
        let until = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return (status, self.stderr());
            }
            assert!(Instant::now() < until, "the process does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns the standard error so far.
    pub(crate) fn stderr(&mut self) -> String {
        let mut text = String::new();
        self.stderr.rewind().expect("its beginning");
        self.stderr.read_to_string(&mut text).expect("text");
        text
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // In most tests, the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
