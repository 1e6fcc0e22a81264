//! The definitions that `#[agent]` and `#[wire]` pass to the generator of TypeScript, with shadowed type
//! names.

use agents::prelude::*;

mod types {
    use agents::prelude::*;

    pub type Answer<T> = std::result::Result<T, Error>;
    pub type Name = Option<String>;

    #[wire]
    pub struct Page<T> {
        pub items: Vec<T>,
    }
}

/// The room.
#[agent]
#[derive(Default)]
struct Room;

#[agent]
impl Room {
    const LIMIT: u32 = 3;

    #[callable]
    fn page(
        &self,
        name: types::Name,
        #[default = Self::LIMIT] limit: u32,
    ) -> types::Answer<types::Page<u32>> {
        let _ = (name, limit);
        Ok(types::Page { items: Vec::new() })
    }

    #[callable]
    fn count(&self) -> Result<impl Stream<Item = types::Answer<types::Page<String>>> + use<>> {
        Ok(futures_util::stream::empty())
    }
}

pub(crate) fn main() {
    let module = Agents::new().register::<Room>().typescript().expect("it has a form");
    for line in [
        "export type Page<T> = { items: Array<T>, };",
        "/** The room. */\nexport interface Room {",
        "  page(name?: string | null, limit?: number | null): Promise<Page<number>>;",
        "  count: Page<string>;",
    ] {
        assert!(module.as_str().contains(line), "{line}\n{module}");
    }
}
