//! A complete agent in the usual form.

use agents::prelude::*;

#[wire]
#[derive(Clone, Default)]
pub struct Topic {
    pub topic: String,
    pub messages: u64,
}

#[wire]
#[derive(Clone)]
pub struct Member {
    pub name: String,
}

#[wire]
pub struct Post {
    pub author: String,
    pub body: String,
}

/// A chat room.
#[agent(state = Topic, connection = Member)]
#[derive(Default)]
pub struct ChatRoom;

#[agent]
impl ChatRoom {
    #[hook]
    async fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS posts (author TEXT NOT NULL, body TEXT NOT NULL)")?;
        Ok(())
    }

    #[hook]
    async fn authorize(&self, request: &ConnectRequest) -> Result<Member, Refusal> {
        let name =
            request.query("username").ok_or_else(|| Refusal::unauthorized("a username is required"))?;
        Ok(Member { name: name.into_owned() })
    }

    #[hook]
    async fn on_connect(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        cx.broadcast_except(&json!({ "type": "join", "user": conn.state()?.name }), [conn.id()])
    }

    /// Posts a message to the room.
    #[callable]
    async fn post(&self, cx: &Context<Self>, from: &Connection<Self>, body: String) -> Result<Post> {
        let post = Post { author: from.state()?.name.clone(), body };
        cx.update_state(|room| room.messages += 1)?;
        sql!(cx, "INSERT INTO posts (author, body) VALUES ({post.author}, {post.body})")?;
        cx.broadcast(&post)?;
        Ok(post)
    }

    /// Returns the last posts, newest first.
    #[callable]
    fn history(&self, cx: &View<Self>, limit: Option<u32>) -> Result<Vec<Post>> {
        sql!(cx, "SELECT author, body FROM posts ORDER BY rowid DESC LIMIT {limit.unwrap_or(20)}")
    }

    /// Sends tokens as they arrive; the result is their number.
    #[callable]
    async fn ask(&self, out: &StreamingResponse<String>, prompt: String) -> Result<u32> {
        let mut count = 0;
        for word in prompt.split(' ') {
            out.send(word.to_owned())?;
            count += 1;
        }
        Ok(count)
    }
}

pub(crate) fn main() {
    let _ = Agents::new().register::<ChatRoom>();
}
