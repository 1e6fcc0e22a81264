//! A chat room, for the server that runs it and for every client of it.

use agents::prelude::*;

/// What everybody in a room sees.
#[wire]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// What the room is about.
    pub topic: String,
    /// How many posts there are.
    pub posts: u64,
}

/// One post, as it is stored and as it is broadcast.
#[wire]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Counts the posts of the room, from 1.
    pub id: i64,
    /// Who wrote it.
    pub author: String,
    /// What was written.
    pub body: String,
}

/// What the room knows of one connection.
#[cfg(feature = "server")]
#[wire]
#[derive(Clone, Debug)]
pub struct Member {
    /// The name in the address.
    pub name: String,
}

/// A chat room. Who comes in says a `username`.
#[agent(state = Room, connection = Member)]
#[derive(Debug, Default)]
pub struct ChatRoom;

#[agent]
impl ChatRoom {
    #[hook]
    async fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        sql!(
            cx,
            "CREATE TABLE IF NOT EXISTS posts (id INTEGER PRIMARY KEY, author TEXT NOT NULL, body TEXT NOT NULL)"
        )?;
        Ok(())
    }

    #[hook]
    fn authorize(&self, request: &ConnectRequest) -> Result<Member, Refusal> {
        let name = request.query("username").filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Refusal::unauthorized("a username is required"))?;
        Ok(Member { name: name.into_owned() })
    }

    /// Posts for everybody in the room.
    #[callable]
    async fn post(&self, cx: &Context<Self>, from: &Connection<Self>, body: String) -> Result<()> {
        if body.trim().is_empty() {
            return Err(Error::msg("there is nothing in it"));
        }
        let author = from.state()?.name.clone();
        let id = sql!(cx, "INSERT INTO posts (author, body) VALUES ({author}, {body}) RETURNING id")?;
        cx.update_state(|room| room.posts += 1)?;
        cx.broadcast(&Post { id, author, body })
    }

    /// The last posts after the one with this id, oldest first.
    #[callable]
    fn history(&self, cx: &View<Self>, after: i64, #[default = 20] limit: u32) -> Result<Vec<Post>> {
        let mut posts: Vec<Post> =
            sql!(cx, "SELECT id, author, body FROM posts WHERE id > {after} ORDER BY id DESC LIMIT {limit}")?;
        posts.reverse();
        Ok(posts)
    }

    /// Changes the topic.
    #[callable]
    fn set_topic(&self, cx: &Context<Self>, topic: String) -> Result<()> {
        cx.update_state(|room| room.topic = topic)
    }
}
