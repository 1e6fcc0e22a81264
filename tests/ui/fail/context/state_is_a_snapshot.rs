use agents::prelude::*;

#[wire]
#[derive(Clone, Default)]
struct Counter {
    count: u32,
}

#[agent(state = Counter)]
#[derive(Default)]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn set(&self, cx: &Context<Self>, count: u32) {
        cx.state().count = count;
    }

    #[callable]
    fn add(&self, cx: &Context<Self>) -> Result<()> {
        cx.state()?.count += 1;
        Ok(())
    }

    #[callable]
    fn reset(&self, view: &View<Self>) -> Result<()> {
        view.state()?.count = 0;
        Ok(())
    }
}

fn main() {}
