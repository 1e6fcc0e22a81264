use agents::prelude::*;

#[wire]
struct Post {
    body: String,
}

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(&self, post: &Post) -> String {
        post.body.clone()
    }
}

fn main() {}
