//! Every form of a callable, and its entry in the table.

use agents::__rt::{Agent, Callable};
use agents::prelude::*;

#[derive(Debug)]
struct Oops;

impl From<Oops> for Error {
    fn from(_: Oops) -> Self {
        Error::msg("oops")
    }
}

type Answer<T> = std::result::Result<T, Oops>;

#[wire]
struct Pair<T> {
    left: T,
    right: T,
}

#[agent]
struct Room {
    limit: u32,
}

#[agent]
impl Room {
    const LIMIT: u32 = 20;

    #[callable]
    fn nothing(&self) {}

    #[callable]
    async fn references(
        &self,
        cx: &Context<Self>,
        first: u8,
        view: &agents::View<Self>,
        conn: &Connection<Self>,
        maybe: Option<&Connection<Room>>,
        second: Option<String>,
        request: Option<&ConnectRequest>,
    ) -> Result<u8> {
        let _ = (cx, view, conn, maybe, second, request);
        Ok(first)
    }

    #[callable]
    fn with_default(&self, #[default = Self::LIMIT] limit: u32, mut r#type: Vec<String>) -> u32 {
        r#type.clear();
        limit.max(self.limit)
    }

    /// Repeats it.
    ///
    ///     indented
    #[callable(write, exclusive)]
    #[deprecated(note = "use `nothing`")]
    pub async fn say_it_2(&self, _unused_words: String) -> Answer<Pair<u8>> {
        Err(Oops)
    }

    #[callable]
    fn tuple(
        &self,
        pair: (u8, Pair<String>),
        any: agents::__rt::Value,
    ) -> (Pair<String>, agents::__rt::Value) {
        (pair.1, any)
    }

    #[callable]
    async fn streams(&self, out: &StreamingResponse<u8>) -> Result<()> {
        out.send(1)
    }

    #[callable]
    fn unit(&self) -> () {}

    #[cfg(not(debug_assertions))]
    #[callable]
    fn either(&self, release: u8) -> u8 {
        release
    }

    #[cfg(debug_assertions)]
    #[callable]
    fn either(&self) -> Missing<u8> {
        1
    }

    #[cfg(all(debug_assertions, not(debug_assertions)))]
    #[callable]
    fn never(&self, missing: DoesNotExist) {}

    fn helper(&self) -> u32 {
        self.limit
    }

    pub fn not_a_method() -> u32 {
        1
    }
}

type Missing<T> = T;

fn callable(name: &str) -> &'static Callable<Room> {
    Room::table().callables.iter().find(|callable| callable.name == name).expect(name)
}

fn arguments(name: &str) -> Vec<(&'static str, &'static str)> {
    callable(name).arguments.iter().map(|argument| (argument.name, argument.rust_name)).collect()
}

pub(crate) fn main() {
    let names: Vec<&str> = Room::table().callables.iter().map(|callable| callable.name).collect();
    let last = if cfg!(debug_assertions) || cfg!(not(debug_assertions)) { "either" } else { "" };
    assert_eq!(names, ["nothing", "references", "withDefault", "sayIt2", "tuple", "streams", "unit", last]);
    assert_eq!(Room::table().others, ["helper"]);

    let say = callable("sayIt2");
    assert_eq!((say.rust_name, say.docs), ("say_it_2", "Repeats it.\n\n    indented"));
    assert_eq!(say.deprecated, Some("use `nothing`"));
    assert!(say.write && say.exclusive && !say.streaming);
    assert!(callable("streams").streaming && !callable("streams").write);
    assert_eq!(callable("nothing").docs, "");

    assert_eq!(arguments("references"), [("first", "first"), ("second", "second")]);
    assert_eq!(arguments("withDefault"), [("limit", "limit"), ("type", "type")]);
    assert_eq!(arguments("sayIt2"), [("unusedWords", "_unused_words")]);

    // The methods can still be called directly.
    let room = Room { limit: 3 };
    room.nothing();
    assert_eq!(room.with_default(2, Vec::new()) + room.helper() + Room::not_a_method(), 7);
}
