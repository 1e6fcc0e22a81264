//! A test with the program in a terminal, and a server.

use std::process::Stdio;
use std::time::Duration;

use agents::axum::{Router, serve};
use kanban::Settings;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

struct Terminal {
    url: String,
}

impl Terminal {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kanban-cli"));
        command.args(["--url", &self.url, "--user", "ann", "--password", "swordfish"]).args(arguments);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a command that succeeds, and returns its output.
    async fn run(&self, arguments: &[&str]) -> String {
        let output =
            timeout(Duration::from_secs(30), self.command(arguments).output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that fails, and returns its error.
    async fn fail(&self, arguments: &[&str]) -> String {
        let output =
            timeout(Duration::from_secs(30), self.command(arguments).output()).await.unwrap().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn watch(&self, board: &str) -> Watch {
        let mut child = self.command(&["watch", board]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Watch { lines, _child: child }
    }
}

struct Watch {
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Watch {
    /// Waits for a line.
    async fn shows(&mut self, wanted: &str) {
        loop {
            let line = timeout(Duration::from_secs(30), self.lines.next_line()).await;
            if line.expect(wanted).unwrap().expect("not the end") == wanted {
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_board_in_the_terminal() {
    let data = tempfile::tempdir().unwrap();
    let settings =
        Settings { session_keys: Vec::new(), password: "swordfish".to_owned(), page: data.path().to_owned() };
    let host = kanban::agents(settings).unwrap().data_dir(data.path().join("data")).start().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let terminal = Terminal { url: format!("http://{}", listener.local_addr().unwrap()) };
    let service = Router::new().fallback_service(host.service()).into_make_service();
    tokio::spawn(async move { serve(listener, service).await });

    assert!(terminal.fail(&["list", "plan"]).await.contains("there is no such board"));
    terminal.run(&["create", "plan"]).await;
    assert_eq!(terminal.run(&["list"]).await, "plan (Owner)\n");
    let mut watch = terminal.watch("plan");
    watch.shows("# To do").await;
    assert_eq!(terminal.run(&["add", "plan", "write"]).await, "1 write\n");
    watch.shows("   1 write").await;

    let file = data.path().join("cards.jsonl");
    tokio::fs::write(&file, "{\"title\":\"read\",\"column\":\"Doing\"}\nnonsense\n").await.unwrap();
    let imported = terminal.run(&["import", "plan", file.to_str().unwrap()]).await;
    assert!(imported.starts_with("1 cards added, 1 lines skipped\nline 2: no card: "), "{imported}");
    watch.shows("   2 read").await;
    terminal.run(&["move", "plan", "1", "Doing", "--before", "2"]).await;
    let shown = "# To do\n# Doing\n   1 write\n   2 read\n# Done\n\n";
    assert_eq!(terminal.run(&["list", "plan"]).await, shown);
    assert!(terminal.fail(&["move", "plan", "9", "Done"]).await.contains("there is no card 9"));
}
