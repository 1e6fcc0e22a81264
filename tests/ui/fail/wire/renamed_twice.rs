use agents::prelude::*;

#[wire(rename_all = "snake_case")]
#[serde(rename_all = "PascalCase")]
struct Post {
    body_text: String,
}

fn main() {}
