//! A test with two terminals and a server.

use std::process::Stdio;
use std::time::Duration;

use agents::Agents;
use agents::axum::{Router, serve};
use chat_types::ChatRoom;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Lines<BufReader<ChildStdout>>,
}

impl Terminal {
    fn open(url: &str, name: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-cli"));
        command.args(["lobby", name, url]).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the program starts");
        let keys = child.stdin.take().expect("its input");
        let screen = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self { child, keys, screen }
    }

    async fn type_line(&mut self, line: &str) {
        self.keys.write_all(format!("{line}\n").as_bytes()).await.expect("it reads");
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(30), self.screen.next_line()).await;
        line.expect("a line in time").expect("text").expect("not the end")
    }

    async fn leave(mut self) {
        drop(self.keys);
        let status = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await;
        assert!(status.expect("an end in time").expect("a status").success());
    }
}

#[tokio::test]
async fn two_people_talk() {
    let data = tempfile::tempdir().expect("a folder");
    let host = Agents::new().data_dir(data.path()).register::<ChatRoom>().start().expect("a host");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let service = Router::new().fallback_service(host.service()).into_make_service();
    tokio::spawn(async move { serve(listener, service).await });

    let mut ann = Terminal::open(&url, "ann");
    ann.type_line("hello").await;
    assert_eq!(ann.line().await, "ann: hello");
    ann.type_line(" ").await;
    assert_eq!(ann.line().await, "* not said: there is nothing in it");
    ann.type_line("/topic rust").await;
    assert_eq!(ann.line().await, "* the topic is: rust");

    // A new client first sees the earlier posts, then new ones.
    let mut bob = Terminal::open(&url, "bob");
    assert_eq!(bob.line().await, "ann: hello");
    assert_eq!(bob.line().await, "* the topic is: rust");
    bob.type_line("hi").await;
    assert_eq!(ann.line().await, "bob: hi");
    assert_eq!(bob.line().await, "bob: hi");
    ann.leave().await;
    bob.leave().await;
}
