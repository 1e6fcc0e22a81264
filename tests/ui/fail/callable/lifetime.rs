use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post<'a>(&'a self, body: &'a str) -> Result<()> {
        let _ = body;
        Ok(())
    }
}

fn main() {}
