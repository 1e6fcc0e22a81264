use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn unnamed(&self) -> impl Stream<Item = impl Clone> {
        futures_util::stream::empty::<u8>()
    }

    #[callable]
    fn unsaid(&self) -> Result<impl Stream + use<>> {
        Ok(futures_util::stream::empty::<u8>())
    }
}

fn main() {}
