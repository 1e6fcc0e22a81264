mod hidden {
    use agents::prelude::*;

    #[wire]
    #[derive(Clone, Default)]
    struct Counter {
        count: u32,
    }

    #[agent(state = Counter)]
    pub struct Room;
}

fn main() {}
