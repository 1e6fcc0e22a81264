//! Types with names and paths that must not disturb the expansion.

use agents::__rt::{Wire, ts_rs};

/// Names of the prelude with another meaning.
mod own {
    use agents::wire;

    pub(crate) mod std {}

    #[wire]
    #[derive(Debug, PartialEq)]
    pub(crate) struct String {
        pub(crate) letters: Vec<char>,
    }

    #[wire]
    #[derive(Debug, PartialEq)]
    pub(crate) enum Option {
        Some,
        None,
    }

    pub(crate) struct Some;
    pub(crate) struct None;

    #[wire]
    #[derive(Debug, PartialEq)]
    pub(crate) struct Post {
        pub(crate) text: String,
        pub(crate) choice: Option,
    }

    #[wire]
    #[derive(Debug, PartialEq)]
    pub(crate) struct Page<T, U = String, const N: usize = 2> {
        pub(crate) items: [T; N],
        pub(crate) title: U,
        pub(crate) choice: Option,
        pub(crate) next: ::std::option::Option<Box<Self>>,
    }

    #[wire]
    #[derive(Debug, PartialEq)]
    pub(crate) enum Search<T> {
        Some(T, Option),
        None { text: String },
    }
}

/// A type that uses `Self`.
#[agents::wire]
#[derive(Debug, PartialEq)]
struct Tree {
    children: Vec<Self>,
    parent: Option<Box<Self>>,
    colour: [u8; Self::COLOURS],
}

impl Tree {
    const COLOURS: usize = 3;
}

#[agents::wire]
#[derive(Debug, PartialEq)]
enum Term {
    Number(u32),
    Sum(Box<Self>, Box<Self>),
    Not { term: Box<Self> },
}

#[agents::wire]
#[derive(Debug, PartialEq)]
struct Nested<T> {
    value: T,
    inner: Option<Box<Self>>,
}

/// A type that implements only the traits of serde.
#[derive(Debug, Default, PartialEq)]
struct Foreign;

#[agents::wire]
#[derive(Debug, PartialEq)]
struct Conditional {
    #[cfg(test)]
    there: u8,
    #[cfg(not(test))]
    not_there: Foreign,
    #[cfg_attr(test, serde(skip))]
    skipped: Foreign,
    #[cfg_attr(test, serde(skip_serializing_if = "Vec::is_empty"))]
    left_out: Vec<u8>,
    #[cfg_attr(not(test), serde(rename = "no"))]
    renamed_never: u8,
}

#[agents::wire]
#[cfg_attr(test, serde(rename_all = "snake_case"))]
#[derive(Debug, PartialEq)]
enum Choice {
    #[cfg(not(test))]
    Gone(Foreign),
    StillThere(u8),
}

const LENGTH: usize = 40;

#[agents::wire]
#[derive(Debug, PartialEq)]
struct Key([u8; 64]);

#[agents::wire]
#[derive(Debug, PartialEq)]
struct Grid<T, const N: usize> {
    cells: [T; N],
    key: [u8; 64],
}

#[agents::wire]
#[derive(Debug, PartialEq)]
struct Keys {
    one: [u8; LENGTH],
    many: Vec<[u8; 33]>,
    maybe: Option<[u8; 65]>,
}

fn there_and_back<T: Wire + std::fmt::Debug + PartialEq>(value: &T, json: &str) {
    assert_eq!(value.to_json().unwrap(), json);
    assert_eq!(T::from_json(json).as_ref().unwrap(), value);
}

fn form<T: ts_rs::TS>() -> String {
    T::inline(&ts_rs::Config::new())
}

pub(crate) fn main() {
    let post = own::Post { text: own::String { letters: vec!['a'] }, choice: own::Option::None };
    there_and_back(&post, r#"{"text":{"letters":["a"]},"choice":"none"}"#);
    assert_eq!(form::<own::Post>(), "{ text: String, choice: Option, }");
    let _ = (own::Some, own::None, own::Option::Some);
    let title = || own::String { letters: vec!['a'] };
    let page = own::Page { items: [1_u8, 2], title: title(), choice: own::Option::Some, next: None };
    there_and_back(&page, r#"{"items":[1,2],"title":{"letters":["a"]},"choice":"some","next":null}"#);
    assert_eq!(
        form::<own::Page<u8>>(),
        "{ items: [number, number], title: String, choice: Option, next?: Page<number, String> | null, }"
    );
    let declared = <own::Page<u8> as ts_rs::TS>::decl(&ts_rs::Config::new());
    assert!(declared.starts_with("type Page<T, U = String> = { items: [T, T], title: U, "), "{declared}");
    there_and_back(&own::Search::Some(1_u8, own::Option::None), r#"{"some":[1,"none"]}"#);
    there_and_back(&own::Search::<u8>::None { text: title() }, r#"{"none":{"text":{"letters":["a"]}}}"#);
    assert_eq!(
        form::<own::Search<bool>>(),
        r#"{ "some": [boolean, Option] } | { "none": { text: String, } }"#
    );

    let leaf = || Tree { children: Vec::new(), parent: None, colour: [1, 2, 3] };
    let tree = Tree { children: vec![leaf()], parent: Some(Box::new(leaf())), colour: [0; 3] };
    there_and_back(
        &tree,
        r#"{"children":[{"children":[],"parent":null,"colour":[1,2,3]}],"parent":{"children":[],"parent":null,"colour":[1,2,3]},"colour":[0,0,0]}"#,
    );
    assert_eq!(
        form::<Tree>(),
        "{ children: Array<Tree>, parent?: Tree | null, colour: [number, number, number], }"
    );
    let term = Term::Not { term: Box::new(Term::Sum(Box::new(Term::Number(1)), Box::new(Term::Number(2)))) };
    there_and_back(&term, r#"{"not":{"term":{"sum":[{"number":1},{"number":2}]}}}"#);
    let nested = Nested { value: 1_u8, inner: Some(Box::new(Nested { value: 2, inner: None })) };
    there_and_back(&nested, r#"{"value":1,"inner":{"value":2,"inner":null}}"#);

    let conditional = Conditional { there: 1, skipped: Foreign, left_out: Vec::new(), renamed_never: 2 };
    there_and_back(&conditional, r#"{"there":1,"renamedNever":2}"#);
    assert_eq!(form::<Conditional>(), "{ there: number, leftOut?: Array<number>, renamedNever: number, }");
    there_and_back(&Choice::StillThere(1), r#"{"still_there":1}"#);

    let key = Key([7; 64]);
    assert_eq!(Key::from_json(&key.to_json().unwrap()).unwrap(), key);
    assert!(Key::from_json("[1,2]").unwrap_err().to_string().contains("expected 64 items, got 2"));
    let grid = Grid { cells: [Some(1_u8), None], key: [1; 64] };
    assert_eq!(Grid::from_json(&grid.to_json().unwrap()).unwrap(), grid);
    assert!(form::<Grid<u8, 2>>().starts_with("{ cells: [number, number], key: [number, "));
    let keys = Keys { one: [1; LENGTH], many: vec![[2; 33]], maybe: Some([3; 65]) };
    assert_eq!(Keys::from_json(&keys.to_json().unwrap()).unwrap(), keys);
    let json = Keys { maybe: None, ..keys }.to_json().unwrap().replace(r#","maybe":null"#, "");
    assert_eq!(Keys::from_json(&json).unwrap().maybe, None);
}
