use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    async fn post<T: ToString>(&self, body: T) -> Result<String> {
        Ok(body.to_string())
    }
}

fn main() {}
