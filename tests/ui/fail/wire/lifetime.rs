use agents::prelude::*;

#[wire]
struct Post<'a> {
    #[serde(borrow)]
    body: &'a str,
}

fn main() {}
