//! A chat room: admission, a member list, typing hints, a history, and a channel for the admins.
//!
//! `cargo run --example chat`, then open the address it prints.

#[path = "../shared/web.rs"]
mod web;

use std::collections::BTreeMap;

use agents::prelude::*;

/// The state that all members see.
#[wire]
#[derive(Clone, Default)]
struct Room {
    topic: String,
    messages: u64,
}

/// The state that the room keeps for one connection. It is dropped with the connection.
#[wire]
#[derive(Clone)]
struct Member {
    username: String,
    role: Role,
    joined_at: u64,
    last_seen: u64,
}

#[wire]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Member,
    Moderator,
    Admin,
}

/// One line of the history.
#[wire]
struct Post {
    author: String,
    body: String,
    posted_at: u64,
}

/// The part of a member's data that other members can see.
#[wire]
struct Presence {
    name: String,
    role: Role,
    last_seen: u64,
}

/// Each event that the room sends on its own initiative.
#[wire]
#[serde(tag = "type")]
enum Event {
    Join {
        user: String,
        timestamp: u64,
    },
    Message {
        user: String,
        text: String,
        timestamp: u64,
    },
    Leave {
        user: String,
        timestamp: u64,
    },
    #[serde(rename = "user-typing")]
    UserTyping {
        user_id: String,
    },
    /// Keyed by connection id: one person may have several connections.
    Presence {
        users: BTreeMap<String, Presence>,
    },
    Report {
        user: String,
        text: String,
        timestamp: u64,
    },
}

/// A chat room.
#[agent(state = Room, connection = Member)]
#[derive(Default)]
struct ChatRoom;

#[agent]
impl ChatRoom {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        sql!(
            cx,
            "CREATE TABLE IF NOT EXISTS posts (author TEXT NOT NULL, body TEXT NOT NULL, posted_at INTEGER NOT NULL)"
        )?;
        Ok(())
    }

    /// Reads the name and the role from the query, which is fine for a demonstration. A real room reads both
    /// from a signed token.
    #[hook]
    fn authorize(&self, cx: &Context<Self>, req: &ConnectRequest) -> Result<Member, Refusal> {
        let username = req.query("username").unwrap_or_default().trim().to_owned();
        if username.is_empty() || username.chars().count() > 40 {
            return Err(Refusal::unauthorized("a username of 1 to 40 characters is required"));
        }
        let role = match req.query("role").as_deref() {
            Some("admin") => Role::Admin,
            Some("moderator") => Role::Moderator,
            _ => Role::Member,
        };
        Ok(Member { username, role, joined_at: cx.now(), last_seen: cx.now() })
    }

    #[hook]
    fn connection_tags(&self, conn: &Connection<Self>) -> Result<Option<&'static str>> {
        Ok(match conn.state()?.role {
            Role::Admin => Some("admin"),
            Role::Moderator => Some("moderator"),
            Role::Member => None,
        })
    }

    #[hook]
    fn on_connect(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        let presence = self.presence(cx)?;
        conn.send(&presence)?;
        cx.broadcast_except(&presence, [conn.id()])?;
        let join = Event::Join { user: conn.state()?.username.clone(), timestamp: cx.now() };
        cx.broadcast_except(&join, [conn.id()])
    }

    /// Called when the connection is no longer in the list. The state of the connection can still be read.
    #[hook]
    fn on_close(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        cx.broadcast(&self.presence(cx)?)?;
        let Some(member) = conn.try_state()? else {
            return Ok(());
        };
        cx.broadcast(&Event::Leave { user: member.username.clone(), timestamp: cx.now() })
    }

    /// Handles plain text: `ping` is a heartbeat, other text is a post. Binary messages are ignored.
    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, message: Message) -> Result<()> {
        match message.text() {
            Some("ping") => {
                conn.update_state(|member| member.last_seen = cx.now())?;
                conn.send("pong")
            }
            Some(text) => self.post(cx, conn, text.to_owned()),
            None => Ok(()),
        }
    }

    /// Rejects pushes of a whole state: members change the state through the methods below.
    #[hook]
    fn validate_state_change(&self, _next: &Room, source: &StateSource<Self>) -> Result<()> {
        if source.is_client() {
            return Err(Error::msg("the state of a room cannot be pushed"));
        }
        Ok(())
    }

    /// Posts a message to all members.
    #[callable]
    fn post(&self, cx: &Context<Self>, from: &Connection<Self>, body: String) -> Result<()> {
        if body.trim().is_empty() {
            return Err(Error::msg("the message is empty"));
        }
        let author = from.state()?.username.clone();
        let now = cx.now();
        sql!(cx, "INSERT INTO posts (author, body, posted_at) VALUES ({author}, {body}, {now})")?;
        cx.update_state(|room| room.messages += 1)?;
        cx.broadcast(&Event::Message { user: author, text: body, timestamp: now })
    }

    /// Returns the last posts, oldest first.
    #[callable]
    fn history(&self, cx: &View<Self>, limit: Option<u32>) -> Result<Vec<Post>> {
        let limit = limit.unwrap_or(20).min(200);
        let mut posts: Vec<Post> =
            sql!(cx, "SELECT author, body, posted_at FROM posts ORDER BY rowid DESC LIMIT {limit}")?;
        posts.reverse();
        Ok(posts)
    }

    /// Notifies all other members that this member is typing.
    #[callable]
    fn typing(&self, cx: &Context<Self>, from: &Connection<Self>) -> Result<()> {
        cx.broadcast_except(&Event::UserTyping { user_id: from.id().to_owned() }, [from.id()])
    }

    /// Changes the topic, for moderators and admins.
    #[callable]
    fn set_topic(&self, cx: &Context<Self>, from: &Connection<Self>, topic: String) -> Result<()> {
        if from.state()?.role == Role::Member {
            return Err(Error::msg("only a moderator or an admin may set the topic"));
        }
        cx.update_state(|room| room.topic = topic)
    }

    /// Sends a report to the admins only. Returns the number of admins that are connected.
    #[callable]
    fn report(&self, cx: &Context<Self>, from: &Connection<Self>, text: String) -> Result<u32> {
        let report = Event::Report { user: from.state()?.username.clone(), text, timestamp: cx.now() };
        let mut reached = 0;
        for admin in cx.connections_tagged("admin") {
            admin.send(&report)?;
            reached += 1;
        }
        if reached == 0 {
            return Err(Error::msg("no admin is connected"));
        }
        Ok(reached)
    }

    /// Closes the connection of a member, for admins.
    #[callable]
    fn remove(&self, cx: &Context<Self>, from: &Connection<Self>, id: String) -> Result<()> {
        if from.state()?.role != Role::Admin {
            return Err(Error::msg("only an admin may remove a member"));
        }
        let member = cx.connection(&id).ok_or_else(|| Error::msg("no such member"))?;
        member.close(4403, "removed by an admin")
    }

    fn presence(&self, cx: &Context<Self>) -> Result<Event> {
        let mut users = BTreeMap::new();
        for conn in cx.connections() {
            if let Some(member) = conn.try_state()? {
                let Member { username: name, role, last_seen, .. } = Member::clone(&member);
                users.insert(conn.id().to_owned(), Presence { name, role, last_seen });
            }
        }
        Ok(Event::Presence { users })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let agents = Agents::new().register::<ChatRoom>().wire_type::<Event>();
    let types = agents.typescript()?;
    agents.routes_with(move |_| web::pages("chat", &types)).run().await
}
