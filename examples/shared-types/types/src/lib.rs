//! A chat room, for the server that runs it and for every client of it.

use agents::prelude::*;

/// The state that all members of a room see.
#[wire]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// The topic of the room.
    pub topic: String,
    /// The number of posts.
    pub posts: u64,
}

/// One post, as it is stored and as it is broadcast.
#[wire]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The number of the post in its room, starting at 1.
    pub id: i64,
    /// The author's name.
    pub author: String,
    /// The text of the post.
    pub body: String,
}

/// The state that the room keeps for one connection.
#[cfg(feature = "server")]
#[wire]
#[derive(Clone, Debug)]
pub struct Member {
    /// The name from the query of the address.
    pub name: String,
}

/// A chat room. A client must send a `username` in its query.
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

    /// Posts a message to all members of the room.
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

    /// Returns the last posts after the one with this id, oldest first.
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
