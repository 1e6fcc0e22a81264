use agents::prelude::*;

struct Post;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(&self, posts: Vec<Option<Post>>) -> u32 {
        posts.len() as u32
    }
}

fn main() {}
