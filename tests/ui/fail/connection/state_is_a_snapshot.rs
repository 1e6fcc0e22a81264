use agents::prelude::*;

#[wire]
#[derive(Clone, Default)]
struct Member {
    name: String,
}

#[agent(connection = Member)]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn rename(&self, conn: &Connection<Self>, name: String) -> Result<()> {
        conn.state()?.name = name;
        Ok(())
    }
}

fn main() {}
