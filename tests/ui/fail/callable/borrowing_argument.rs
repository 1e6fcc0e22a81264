use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(&self, body: std::borrow::Cow<'_, str>) -> String {
        body.into_owned()
    }
}

fn main() {}
