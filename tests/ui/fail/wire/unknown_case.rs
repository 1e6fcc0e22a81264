use agents::prelude::*;

#[wire(rename_all = "camel")]
struct Post {
    body_text: String,
}

fn main() {}
