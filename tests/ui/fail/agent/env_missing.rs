use agents::prelude::*;

struct Config {
    limit: usize,
}

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn limit(&self, cx: &Context<Self>) -> usize {
        cx.env().limit
    }

    #[callable]
    fn double(&self, cx: &View<Self>) -> usize {
        let config: &Config = cx.env();
        2 * config.limit
    }
}

fn main() {}
