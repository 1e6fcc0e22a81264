//! Serialised values, written as TypeScript: `tsc` checks that the types match them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use agents::bytes::Bytes;
use agents::serde_json::json;
use agents::wire::{I64, I128, U64, U128, Wire, from_json, to_json};

use crate::everything::{
    Adjacent, Both, Dates, Empty, Everything, External, Flag, Flat, Id, Index, Internal, Nothing, Page,
    Plain, Point, Record, Tree, Untagged,
};
use crate::snapshot::compare;

#[derive(Default)]
struct Samples(Vec<String>);

impl Samples {
    /// Adds a value, which must also be deserialised to the same value.
    fn add<T: Wire>(&mut self, ty: &str, value: &T) {
        let json = to_json(value).unwrap();
        let again = from_json::<T>(&json).and_then(|value| to_json(&value)).unwrap();
        assert_eq!(again, json);
        let number = self.0.len() + 1;
        self.0.push(format!("export const sample{number}: types.{ty} = {json};\n"));
    }
}

fn point() -> Point {
    Point { x: 1.5, y: -2.0 }
}

fn everything() -> Everything {
    Everything {
        count: 9_007_199_254_740_991,
        small: 255,
        signed: -1,
        huge: 7,
        size: 8,
        float: 0.5,
        letter: 'ß',
        flag: true,
        maybe: Some("yes".to_owned()),
        nested_maybe: vec![Some(1), None],
        left_out: Some(3),
        also_left_out: vec![4],
        never_left_out: None,
        kind: "kind".to_owned(),
        hidden: String::new(),
        by_name: BTreeMap::from([("a".to_owned(), vec![1, 2])]),
        by_number: HashMap::from([(7, true)]),
        by_digits: BTreeMap::from([(U64(u64::MAX), 1)]),
        pair: ("left".to_owned(), -3),
        triple: [1, 2, 3],
        set: BTreeSet::from(["b".to_owned()]),
        any: json!({ "deep": [1, "two", null, { "three": false }] }),
        boxed: Box::new(9),
        raw: Bytes::from_static(b"ab"),
        exact: U64(u64::MAX),
        exact_signed: I64(i64::MIN),
        exact_huge: (U128(u128::MAX), I128(i128::MIN)),
        lasts: Duration::from_micros(1500).into(),
        by_flag: BTreeMap::from([(true, 1)]),
        by_own_flag: BTreeMap::from([(Flag(false), BTreeMap::from([(true, 2), (false, 3)]))]),
        noted: None,
    }
}

#[test]
fn values_are_what_their_types_say() {
    let mut samples = Samples::default();
    let everything = everything();
    assert!(everything.hidden.is_empty(), "the field is skipped");
    samples.add("Everything", &everything);
    samples.add("Everything", &Everything::default());
    samples.add("Plain", &Plain::DarkRed);
    samples.add("Plain", &Plain::Green);
    samples.add("External", &External::Unit);
    samples.add("External", &External::New(1));
    samples.add("External", &External::Pair(1, "two".to_owned()));
    samples.add("External", &External::Fields { first_field: true, second: Some(Plain::Green) });
    samples.add("Internal", &Internal::Unit);
    samples.add("Internal", &Internal::New(point()));
    samples.add("Internal", &Internal::Fields { at_point: point() });
    samples.add("Adjacent", &Adjacent::Unit);
    samples.add("Adjacent", &Adjacent::New(1));
    samples.add("Adjacent", &Adjacent::Pair(1, "two".to_owned()));
    samples.add("Adjacent", &Adjacent::Fields { x: 1 });
    samples.add("Untagged", &Untagged::Number(1));
    samples.add("Untagged", &Untagged::Text("one".to_owned()));
    samples.add("Untagged", &Untagged::Point(point()));
    samples.add("Untagged", &Untagged::Nothing);
    samples.add("Flat", &Flat { name: "here".to_owned(), point: point() });
    let leaf = Tree { value: 1, children: Vec::new(), page: None };
    let page = Some(Box::new(Page { items: vec![leaf], next: Some(2) }));
    samples.add("Tree", &Tree { value: 2, children: Vec::new(), page });
    samples.add("Page<types.Id>", &Page { items: vec![Id("a".to_owned())], next: None });
    samples.add("Both", &Both(1, Id("a".to_owned())));
    samples.add("Nothing", &Nothing);
    let page = Page { items: vec![1_u8], next: Some(2) };
    let index = Index { by: BTreeMap::from([("a".to_owned(), page)]) };
    let pages = BTreeMap::from([("b".to_owned(), index)]);
    samples.add("Record", &Record { nothing: Empty {}, pages });
    samples.add("Index<number, boolean>", &Index { by: BTreeMap::from([(7_u32, true)]) });
    samples.add("Index<boolean, boolean>", &Index { by: BTreeMap::from([(false, true), (true, true)]) });
    samples.add(
        "Dates",
        &Dates {
            at: "2026-11-25T12:00:00Z".parse().unwrap(),
            day: "2026-11-25".parse().unwrap(),
            stamp: "2026-11-25T12:00:00Z".parse().unwrap(),
            link: "https://example.org/a?b".parse().unwrap(),
            id: "67e55044-10b1-426f-9247-bb680e5fe0c8".parse().unwrap(),
        },
    );
    let text = format!("import type * as types from \"./agents.js\";\n\n{}", samples.0.concat());
    compare("everything/samples.ts", &text);
}
