use agents::prelude::*;

mod model {
    pub struct Post;
}

use model::Post;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(&self, post: Post) -> Result<Post> {
        Ok(post)
    }
}

fn main() {}
