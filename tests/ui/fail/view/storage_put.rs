use agents::prelude::*;

#[wire]
#[derive(Clone, Default)]
struct Counter {
    count: u32,
}

#[agent(state = Counter)]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn reset(&self, cx: &View<Self>) -> Result<()> {
        cx.storage().put("visits", &0)
    }
}

fn main() {}
