//! A chat in the terminal: `cargo run -p chat-cli -- lobby ann`.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use agents::client::{AgentClient, ClientError, Message, Status, StreamExt};
use agents::wire::from_json;
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
    let room = AgentClient::<ChatRoom>::options(url, room).query("username", name).connect().await?;
    // A room that refuses says so in place of this.
    room.identity().await?;

    let mut messages = room.messages();
    for post in room.history(None).await? {
        show(&post);
    }
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
            Some(message) = messages.next() => if let Ok(Message::Text(text)) = message {
                show(&from_json(&text)?);
            },
            Some(room) = state.next() => {
                let now = Some(room?.topic).filter(|topic| !topic.is_empty());
                if let Some(now) = now.filter(|now| topic.as_ref() != Some(now)) {
                    println!("* the topic is: {now}");
                    topic = Some(now);
                }
            },
            Ok(()) = status.changed() => match &*status.borrow_and_update() {
                Status::Open => println!("* back again"),
                Status::Waiting { why, .. } => println!("* not connected: {why}"),
                Status::Closed(error) => return Err(error.clone().into()),
                _ => {}
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

fn show(post: &Post) {
    println!("{}: {}", post.author, post.body);
}
