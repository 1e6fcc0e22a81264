use agents::prelude::*;

struct Post {
    body: String,
}

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(&self, post: Post) -> String {
        post.body
    }
}

fn main() {}
