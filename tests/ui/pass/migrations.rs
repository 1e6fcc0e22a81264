//! Versions of a state and migrations of tables.

use agents::__rt::AgentDefinition;
use agents::prelude::*;
use agents::serde_json::Value;
use agents::storage::Migration;

#[wire]
#[derive(Clone, Default)]
pub struct Room {
    name: String,
}

#[agent]
struct Nothing;

#[agent(state = Room, version = 3, migrations = migrations![
    "CREATE TABLE messages (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
    r#"ALTER TABLE messages ADD COLUMN author TEXT DEFAULT '{"a": ";"}'"#,
])]
struct Texts;

#[agent]
impl Texts {
    #[hook]
    fn migrate(&self, cx: &Context<Self>, from: u32, old: Value) -> Result<Room> {
        let _ = (cx, from);
        Ok(Room { name: old["title"].as_str().unwrap_or_default().to_owned() })
    }
}

/// A list that is a constant, and a hook that cannot fail and only reads.
const LIST: &[Migration] = migrations!(dir "migrations");

#[agent(state = Room, version = 2, migrations = LIST)]
struct Files;

#[agent]
impl Files {
    #[hook]
    fn migrate(&self, from: u32, _old: Value, cx: &View<Self>) -> Room {
        Room { name: format!("{} of {from}", cx.name()) }
    }
}

/// A facade with another name.
mod facade {
    pub use agents::__rt;
}

const ELSEWHERE: &[Migration] = migrations![crate = crate::migrations::facade, "CREATE TABLE a (b)"];

#[agent(migrations = migrations!["CREATE TABLE a (b)"], crate = crate::migrations::facade)]
struct Elsewhere;

pub(crate) fn main() {
    assert_eq!(Elsewhere::MIGRATIONS, ELSEWHERE);
    let _ = Elsewhere;
    assert_eq!((Nothing::VERSION, Texts::VERSION, Files::VERSION), (1, 3, 2));
    assert!(Nothing::MIGRATIONS.is_empty());
    assert_eq!(Texts::MIGRATIONS.len(), 2);
    assert!(Texts::MIGRATIONS[1].sql().ends_with(r#"'{"a": ";"}'"#));
    assert_eq!(Files::MIGRATIONS.len(), 2);
    assert!(Files::MIGRATIONS[1].sql().contains("CREATE INDEX authors"));
    let _ = (Nothing, Texts, Files);
}
