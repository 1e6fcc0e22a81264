use agents::prelude::*;

struct Author;

// The TypeScript type is given, because the errors of its derive about `Author` have no fixed order.
#[wire]
struct Post(#[ts(type = "string")] Author);

fn main() {}
