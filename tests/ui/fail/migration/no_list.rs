use agents::prelude::*;

#[agent(migrations = migrations!(folder "migrations"))]
struct Folder;

#[agent(migrations = migrations!(1, 2))]
struct Numbers;

#[agent(migrations = "CREATE TABLE a (b)")]
struct Text;

#[agent]
impl Folder {}

fn main() {}
