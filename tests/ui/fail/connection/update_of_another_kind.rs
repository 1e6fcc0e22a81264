use agents::prelude::*;

#[wire]
#[derive(Clone, Default)]
struct Member {
    name: String,
}

struct Ticket;

#[agent(connection = Member)]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn rename(&self, conn: &Connection<Self>, name: String) -> Result<()> {
        conn.update_state(|member| {
            member.name = name;
            Ticket
        })?;
        Ok(())
    }
}

fn main() {}
