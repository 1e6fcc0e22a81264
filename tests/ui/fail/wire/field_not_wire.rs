use agents::prelude::*;

struct Author;

// The TypeScript type is given, as what its derive says about `Author` comes in no fixed order.
#[wire]
struct Post(#[ts(type = "string")] Author);

fn main() {}
