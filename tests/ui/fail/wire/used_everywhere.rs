use agents::prelude::*;

#[derive(Clone, Default)]
struct Author {
    name: String,
}

#[wire]
#[derive(Clone, Default)]
struct Post {
    author: Author,
}

#[agent(state = Post)]
#[derive(Default)]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(&self, cx: &Context<Self>, post: Post, more: Vec<Post>) -> Result<Post> {
        cx.set_state(post.clone())?;
        cx.broadcast(&more)?;
        Ok(post)
    }
}

fn main() {}
