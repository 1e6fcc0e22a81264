use agents::prelude::*;

struct Post;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    async fn last(&self) -> Result<Post> {
        Ok(Post)
    }
}

fn main() {}
