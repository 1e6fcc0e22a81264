use agents::prelude::*;

struct Author;

#[wire]
struct Post(Author, std::net::IpAddr, Vec<u8>);

fn main() {}
