use agents::prelude::*;

#[agent(migrations = migrations![
    "CREATE TABLE messages (id INTEGER PRIMARY KEY) STRICT",
    "BEGIN; DROP TABLE messages; COMMIT",
    "INSERT INTO messages VALUES (?1)",
    "ALTER TABLE messages ADD COLUMN 'text",
    "DROP TABLE _agents_state",
    "CREATE TABLE rooms (id INTEGER",
    "",
])]
struct ChatRoom;

#[agent]
impl ChatRoom {}

fn main() {}
