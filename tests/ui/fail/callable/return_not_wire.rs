use agents::prelude::*;

struct Post;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn last(&self) -> Post {
        Post
    }
}

fn main() {}
