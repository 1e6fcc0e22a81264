//! The JSON form of types with `#[wire]`.

use agents::__rt::{Wire, serde_json, ts_rs};
use agents::prelude::*;

#[wire]
#[derive(Clone, Debug, PartialEq)]
struct Post {
    sent_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(rename = "by")]
    author_name: String,
}

#[wire(rename_all = "none")]
struct AsItIs {
    sent_at: u64,
}

#[wire(rename_all = "kebab-case")]
struct Kebab {
    sent_at: u64,
}

#[wire]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct Loud {
    sent_at: u64,
}

#[wire]
#[derive(Clone, Copy, Debug, PartialEq)]
enum Colour {
    DarkRed,
    Green,
}

#[wire]
#[serde(tag = "type")]
enum Event {
    UserJoined { user_name: String },
    Left,
}

#[wire]
struct Page<T> {
    first_items: Vec<T>,
}

#[wire]
struct Both<A: Clone, B = u8>
where
    B: Clone,
{
    left_side: A,
    right_side: B,
}

#[wire]
struct Tuple(u8, Colour);

#[wire]
struct NewType(String);

#[wire]
struct Unit;

#[wire]
struct Empty {}

/// Types that contain each other, and a type with a name that the expansion could have used.
#[wire]
struct Tree {
    children: Vec<Branch>,
    field: Option<Field>,
}

#[wire]
enum Branch {
    Tree(Box<Tree>),
    Leaf,
}

#[wire]
struct Field;

/// A type that serde and TypeScript know may be a field, even if it is not a wire type itself.
#[wire]
struct Known {
    address: std::net::IpAddr,
    #[serde(skip)]
    cache: Option<std::time::Instant>,
}

fn json<T: Wire>(value: &T) -> String {
    let mut out = Vec::new();
    value.wire_serialize(&mut serde_json::Serializer::new(&mut out)).expect("it has a JSON form");
    String::from_utf8(out).expect("JSON is text")
}

fn read<T: Wire>(json: &str) -> T {
    T::wire_deserialize(&mut serde_json::Deserializer::from_str(json)).expect(json)
}

fn ts<T: ts_rs::TS>() -> String {
    T::inline(&ts_rs::Config::default())
}

pub(crate) fn main() {
    let post = Post { sent_at: 1, reply_to: None, tags: Vec::new(), author_name: "ann".to_owned() };
    assert_eq!(json(&post), r#"{"sentAt":1,"by":"ann"}"#);
    assert_eq!(read::<Post>(r#"{"sentAt":1,"by":"ann"}"#), post);
    assert!(ts::<Post>().contains("replyTo?: "), "{}", ts::<Post>());

    assert_eq!(json(&AsItIs { sent_at: 1 }), r#"{"sent_at":1}"#);
    assert_eq!(json(&Kebab { sent_at: 1 }), r#"{"sent-at":1}"#);
    assert_eq!(json(&Loud { sent_at: 1 }), r#"{"SENT_AT":1}"#);
    assert_eq!(json(&[Colour::DarkRed, Colour::Green]), r#"["darkRed","green"]"#);
    assert_eq!(
        json(&Event::UserJoined { user_name: "ann".to_owned() }),
        r#"{"type":"userJoined","userName":"ann"}"#
    );
    assert_eq!(json(&Event::Left), r#"{"type":"left"}"#);
    assert_eq!(json(&Page { first_items: vec![Colour::Green] }), r#"{"firstItems":["green"]}"#);
    assert_eq!(json(&Both { left_side: 1_u8, right_side: 2_u8 }), r#"{"leftSide":1,"rightSide":2}"#);
    assert_eq!(json(&Tuple(1, Colour::Green)), r#"[1,"green"]"#);
    assert_eq!(json(&NewType("a".to_owned())), r#""a""#);
    let tree = Tree { children: vec![Branch::Leaf], field: Some(Field) };
    assert_eq!(
        json(&Tree { children: vec![Branch::Tree(Box::new(tree))], field: None }),
        r#"{"children":[{"tree":{"children":["leaf"],"field":null}}],"field":null}"#
    );
    let known: Known = read(r#"{"address":"127.0.0.1"}"#);
    assert!(known.address.is_ipv4() && known.cache.is_none());
    assert_eq!(json(&Unit), "null");
    assert_eq!(json(&Empty {}), "{}");
}
