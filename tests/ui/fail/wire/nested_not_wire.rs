use std::collections::HashMap;

use agents::prelude::*;

#[derive(Clone, Default)]
struct Author {
    name: String,
}

#[derive(Clone, Default)]
enum Mood {
    #[default]
    Good,
}

#[wire]
#[derive(Clone, Default)]
struct Post {
    author: Author,
    readers: Vec<Option<Author>>,
    moods: HashMap<String, Mood>,
}

fn main() {}
