//! A number could be a moment or a delay, in any unit.

use agents::prelude::*;

#[agent]
#[derive(Default)]
struct Digest;

#[agent]
impl Digest {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        cx.object().set_alarm(60)
    }
}

fn main() {}
