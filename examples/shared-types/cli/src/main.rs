//! A chat in the terminal: `cargo run -p chat-cli -- lobby ann`.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use agents::client::{AgentClient, ClientError, Status, StreamExt};
use chat_types::{ChatRoom, Post};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

#[tokio::main(flavor = "current_thread")]
async fn main() -> agents::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(room), Some(name)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: chat-cli ROOM NAME [URL]");
        std::process::exit(2);
    };
    let url = arguments.next().unwrap_or_else(|| "http://127.0.0.1:8787".to_owned());
    let room = AgentClient::<ChatRoom>::builder(url, room).query("username", name).connect().await?;
    // The iterator ends with the refusal of the room, if there is one.
    room.identity().await?;

    let mut messages = room.messages();
    let mut screen = Screen::default();
    screen.catch_up(&room).await?;
    let mut state = room.state();
    let mut topic = None;
    let mut status = room.status();
    status.mark_unchanged();
    let mut lines = BufReader::new(stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => say(&room, line).await,
                None => break,
            },
            Some(message) = messages.next() => if let Ok(post) = message.and_then(|message| message.json()) {
                screen.show(&post);
            },
            Some(room) = state.next() => {
                let now = Some(room?.topic).filter(|topic| !topic.is_empty());
                if let Some(now) = now.filter(|now| topic.as_ref() != Some(now)) {
                    println!("* the topic is: {now}");
                    topic = Some(now);
                }
            },
            Ok(()) = status.changed() => {
                let now = status.borrow_and_update().clone();
                match now {
                    Status::Open => {
                        println!("* back again");
                        screen.catch_up(&room).await?;
                    }
                    Status::Waiting { why, .. } => println!("* not connected: {why}"),
                    Status::Closed(error) => return Err(error.into()),
                    _ => {}
                }
            },
        }
    }
    room.close(1000, "bye").await?;
    Ok(())
}

async fn say(room: &AgentClient<ChatRoom>, line: String) {
    let said: Result<(), ClientError> = match line.strip_prefix("/topic ") {
        Some(topic) => room.set_topic(topic.to_owned()).await,
        None => room.post(line).await,
    };
    if let Err(error) = said {
        println!("* not said: {error}");
    }
}

/// The posts that were shown: a post may arrive with the history and again as a broadcast.
#[derive(Default)]
struct Screen {
    last: i64,
}

impl Screen {
    async fn catch_up(&mut self, room: &AgentClient<ChatRoom>) -> Result<(), ClientError> {
        for post in room.history(self.last, None).await? {
            self.show(&post);
        }
        Ok(())
    }

    fn show(&mut self, post: &Post) {
        if post.id > self.last {
            self.last = post.id;
            println!("{}: {}", post.author, post.body);
        }
    }
}
