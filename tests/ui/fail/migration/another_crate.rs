use agents::prelude::*;
use agents::storage::Migration;

const LIST: &[Migration] = migrations![crate = nowhere, "CREATE TABLE a (b)"];

const PATH: &[Migration] = migrations![crate "CREATE TABLE a (b)"];

#[agent(migrations = migrations!["CREATE TABLE a (b"], crate = agents)]
struct Mistake;

fn main() {
    let _ = (LIST, PATH);
}
