//! The options of a class.

use agents::__rt::AgentDefinition;
use agents::class::AgentClass;
use agents::prelude::*;

#[wire]
#[derive(Clone, Default, Debug, PartialEq)]
pub struct Counter {
    count: i64,
}

pub struct Config;

#[agent]
struct Nothing;

#[agent(state = Counter)]
struct Default1;

#[agent(state = Counter, initial_state = none)]
struct None1;

#[agent(
    state = Counter,
    initial_state = Counter { count: 7 },
    connection = (String, u8),
    props = Vec<Counter>,
    env = Config,
    hibernate = false,
    hibernate_after = "250ms",
    send_identity = false,
    callable_methods = false,
    on_unreadable = "initial",
    name = "all-of-them",
)]
#[derive(Debug)]
pub struct All {
    field: u8,
}

/// A facade with another name.
mod facade {
    pub use agents::__rt;
}

#[wire(crate = crate::options::facade)]
#[derive(Clone, Default)]
struct Moved {
    by_path: bool,
}

#[agent(state = Moved, crate = crate::options::facade)]
struct Elsewhere;

#[agent(crate = crate::options::facade)]
impl Elsewhere {
    #[callable]
    fn post(&self, cx: &Context<Self>) -> Result<bool> {
        Ok(cx.state()?.by_path)
    }
}

fn same<A: AgentDefinition<Connection = B, Props = C, Env = D>, B, C, D>() {}

pub(crate) fn main() {
    assert_eq!((Nothing::CLASS, Nothing::ROUTE), ("Nothing", "nothing"));
    assert!(Nothing::initial_state().is_none());
    assert_eq!(Default1::initial_state(), Some(Counter { count: 0 }));
    assert_eq!(None1::initial_state(), None);
    assert_eq!(All::initial_state(), Some(Counter { count: 7 }));
    same::<All, (String, u8), Vec<Counter>, Config>();
    same::<Nothing, agents::__rt::Value, agents::__rt::Value, ()>();
    let options = format!("{:?}", All::options());
    assert!(options.contains("250ms") && options.contains("on_unreadable: Initial"), "{options}");
    assert_eq!(All::ROUTE, "all-of-them");
    let _ = (All { field: 1 }.field, Config, Elsewhere, Nothing, Default1, None1);
}
