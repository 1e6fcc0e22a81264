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
        let _: Vec<i64> = sql!(cx, "DELETE FROM visits WHERE n > {1} RETURNING n")?;
        Ok(())
    }
}

fn main() {}
