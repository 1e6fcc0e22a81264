use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    async fn post(&self, author: &str, body: String) -> Result<String> {
        Ok(format!("{author}: {body}"))
    }
}

fn main() {}
