use agents::prelude::*;

use agents::__rt::serde::{Deserialize, Serialize};

#[wire]
#[derive(Clone, Serialize, Deserialize)]
struct Post {
    body: String,
}

fn main() {}
