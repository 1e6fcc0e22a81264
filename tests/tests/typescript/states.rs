//! The record of the stored states: which change of a type is noticed, and what the message says.

use std::fs;
use std::path::PathBuf;

use agents::Agents;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::everything::Kitchen;

/// Declares a program whose class `Board` has the type `State` and a version.
macro_rules! program {
    ($module:ident, $version:literal, [$($item:item)*] $(, $migrate:item)?) => {
        mod $module {
            use agents::prelude::*;

            $(#[wire] #[derive(Clone, Default)] #[allow(dead_code, reason = "the fields are only read by serde")] $item)*

            #[agent(state = State, version = $version, name = "board")]
            #[derive(Default)]
            struct Board;

            #[agent]
            impl Board {
                $(#[hook] $migrate)?
            }

            pub(super) fn agents() -> Agents {
                Agents::new().register::<Board>()
            }
        }
    };
}

program!(first, 1, [
    struct State { title: String, cards: Vec<Card>, level: Level, seen: u32 }
    struct Card { text: String, done: Option<bool> }
    enum Level { #[default] Low, High }
]);
program!(field_with_default, 1, [
    struct State { title: String, cards: Vec<Card>, level: Level, seen: u32, #[serde(default)] pinned: Vec<u8> }
    struct Card { text: String, done: Option<bool>, author: Option<String> }
    enum Level { #[default] Low, High, Highest }
]);
program!(default_is_gone, 1, [
    struct State { title: String, cards: Vec<Card>, level: Level, seen: u32, pinned: Vec<u8> }
    struct Card { text: String, done: Option<bool>, author: Option<String> }
    enum Level { #[default] Low, High, Highest }
]);
program!(removed_and_wider, 1, [
    struct State { title: String, cards: Vec<Card>, level: Level, seen: i64 }
    struct Card { text: String }
    enum Level { #[default] Low, High }
]);
program!(alias, 1, [
    struct State { #[serde(alias = "title")] name: String, cards: Vec<Card>, level: Level, seen: u32 }
    struct Card { text: String, done: Option<bool> }
    enum Level { #[default] Low, High }
]);
program!(renamed, 1, [
    struct State { name: String, cards: Vec<Card>, level: Level, seen: u32 }
    struct Card { text: String, done: Option<bool> }
    enum Level { #[default] Low, High }
]);
program!(nested, 1, [
    struct State { title: String, cards: Vec<Card>, level: Level, seen: u32 }
    struct Card { text: String, done: Option<bool>, author: String }
    enum Level { #[default] Low, High }
]);
program!(narrower, 1, [
    struct State { title: String, cards: Vec<Card>, level: Level, seen: u16 }
    struct Card { text: String, done: Option<bool> }
    enum Level { #[default] Low, High }
]);
program!(variant_is_gone, 1, [
    struct State { title: String, cards: Vec<Card>, level: Level, seen: u32 }
    struct Card { text: String, done: Option<bool> }
    enum Level { #[default] Low }
]);
program!(other_type, 1, [
    struct State { title: Vec<String>, cards: Vec<Card>, level: Level, seen: u32 }
    struct Card { text: String, done: Option<bool> }
    enum Level { #[default] Low, High }
]);
program!(strict, 1, [
    #[serde(deny_unknown_fields)]
    struct State { title: String, cards: Vec<Card>, seen: u32 }
    struct Card { text: String, done: Option<bool> }
]);
program!(raised_without_hook, 2, [
    struct State { name: String, cards: Vec<Card>, level: Level, seen: u32 }
    struct Card { text: String, done: Option<bool> }
    enum Level { #[default] Low, High }
]);
program!(raised, 2, [
    struct State { name: String }
], fn migrate(&self, _from: u32, _old: serde_json::Value) -> Result<State> { Ok(State::default()) });
program!(tagged, 1, [
    #[serde(tag = "kind")]
    enum State { #[default] Empty, Day { at: String, count: u8 } }
]);
program!(tagged_otherwise, 1, [
    enum State { #[default] Empty, Day { at: String, count: u8 } }
]);

/// A class whose state may be any JSON.
#[agents::agent]
#[derive(Default)]
struct Bare;

#[agents::agent]
impl Bare {}

/// A record in a folder of its own.
struct Record {
    file: PathBuf,
    _folder: TempDir,
}

impl Record {
    fn of(program: &Agents) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("deep/states.json");
        program.record_states(&file).unwrap();
        Self { file, _folder: folder }
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.file).unwrap()
    }

    fn states(&self) -> Value {
        let mut record: Value = serde_json::from_str(&self.text()).unwrap();
        record["agents"]["board"].take()
    }
}

#[test]
fn a_record_has_an_example_of_each_form() {
    let record = Record::of(&first::agents());
    let card = json!({ "text": "text", "done": true });
    let cards = json!([card, { "text": "text", "done": null }, { "text": "text" }]);
    assert_eq!(
        record.states(),
        json!({ "version": 1, "states": [
            { "title": "text", "cards": cards, "level": "low", "seen": u32::MAX },
            { "title": "text", "cards": cards, "level": "high", "seen": u32::MAX },
        ] })
    );
    let before = record.text();
    first::agents().record_states(&record.file).unwrap();
    assert_eq!(record.text(), before, "equal types leave the file as it is");
}

#[test]
fn types_that_read_the_stored_states_are_accepted_and_their_forms_are_added() {
    for program in [field_with_default::agents, removed_and_wider::agents, alias::agents, raised::agents] {
        let record = Record::of(&first::agents());
        let before = record.states();
        program().check_states(&record.file).unwrap();
        assert_eq!(record.states(), before, "a check writes nothing");
        program().record_states(&record.file).unwrap();
        assert_ne!(record.states(), before);
        program().check_states(&record.file).unwrap();
    }
    let record = Record::of(&first::agents());
    raised::agents().record_states(&record.file).unwrap();
    assert_eq!(record.states(), json!({ "version": 2, "states": [{ "name": "text" }] }), "the hook converts");
}

#[test]
fn types_that_do_not_read_the_stored_states_are_refused_with_the_part_and_the_remedy() {
    let version = "`version = 2` and the hook `migrate`";
    let default = "Write `#[serde(default)]` on a new field, `#[serde(alias = \"..\")]` on a renamed one, or `version = 2` and the hook `migrate`.";
    type Program = fn() -> Agents;
    let cases: [(Program, &[&str]); 7] = [
        (default_is_gone::agents, &["missing field `pinned`", default]),
        (renamed::agents, &["missing field `name`", default]),
        (nested::agents, &["`cards[0]`: missing field `author`", default]),
        (narrower::agents, &["`seen`: invalid value: integer `4294967295`, expected u16", version]),
        (variant_is_gone::agents, &["`level`: unknown variant `high`", version]),
        (other_type::agents, &["`title`: invalid type: string \"text\", expected a sequence", version]),
        (strict::agents, &["unknown field `level`", version]),
    ];
    for (program, expected) in cases {
        let record = Record::of(&first::agents());
        let before = record.text();
        let check = program().check_states(&record.file).unwrap_err();
        let write = program().record_states(&record.file).unwrap_err();
        assert_eq!((check.code(), check.to_string()), (write.code(), write.to_string()));
        assert_eq!(check.code(), "state_changed");
        let text = check.to_string();
        let named = "the state of `Board` has changed, and stored states of version 1 cannot be read:\n";
        for expected in expected.iter().chain(&[named, "run `types --accept-states`"]) {
            assert!(text.contains(expected), "{text}");
        }
        assert_eq!(record.text(), before);
    }
}

#[test]
fn a_default_has_to_stay_while_states_without_the_field_may_be_stored() {
    let record = Record::of(&first::agents());
    field_with_default::agents().record_states(&record.file).unwrap();
    let error = default_is_gone::agents().check_states(&record.file).unwrap_err();
    assert!(error.to_string().contains("missing field `pinned`"), "{error}");
}

#[test]
fn a_version_without_a_hook_reads_the_older_states_and_no_version_is_lowered() {
    let record = Record::of(&first::agents());
    let error = raised_without_hook::agents().check_states(&record.file).unwrap_err().to_string();
    assert!(
        error.contains("version 1 cannot be read") && error.contains("or the hook `migrate`."),
        "{error}"
    );
    let record = Record::of(&raised::agents());
    let error = first::agents().check_states(&record.file).unwrap_err().to_string();
    assert!(error.contains("has version 1, and states of version 2 are recorded"), "{error}");
}

#[test]
fn another_form_of_an_enum_is_noticed() {
    let record = Record::of(&tagged::agents());
    assert_eq!(
        record.states()["states"],
        json!([{ "kind": "empty" }, { "kind": "day", "at": "text", "count": 255 }])
    );
    tagged_otherwise::agents().check_states(&record.file).unwrap_err();
}

#[test]
fn every_kind_of_type_has_examples_that_it_reads() {
    let record = Record::of(&Agents::new().register::<Kitchen>());
    let text = record.text();
    let record: Value = serde_json::from_str(&text).unwrap();
    let states = record["agents"]["all-of-it"]["states"].as_array().unwrap();
    assert!(states.len() > 1, "{text}");
    // The largest values of the exact integers, and the form of an instant.
    for part in ["\"exactSigned\":\"-9223372036854775808\"", "\"small\":255", "\"float\":0.5"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_file_of_another_kind_is_an_error_and_any_json_is_not_recorded() {
    let record = Record::of(&first::agents());
    fs::write(&record.file, "<<<<<<<").unwrap();
    assert_eq!(first::agents().check_states(&record.file).unwrap_err().code(), "state_record");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("states.json");
    Agents::new().register::<Bare>().record_states(&file).unwrap();
    assert!(!file.exists(), "a class without a type has no forms");
}
