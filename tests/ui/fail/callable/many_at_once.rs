use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn first(&mut self) {}

    #[callable]
    fn second(&self, body: &str) {
        let _ = body;
    }

    #[hook]
    fn on_conect(&self) {}

    #[callable]
    async fn sound(&self, body: String) -> Result<String> {
        Ok(body)
    }
}

fn main() {}
