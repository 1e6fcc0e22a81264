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
        cx.object().set_alarm(std::time::Duration::ZERO)
    }
}

fn main() {}
