//! The generated module, compared with a file that the TypeScript compiler checks too.
//!
//! After a deliberate change, run `UPDATE=1 cargo test -p agents-tests --test typescript`. Then `npm test` in
//! `tests/npm` checks the file with the compiler of TypeScript.

use std::path::Path;
use std::{env, fs};

use agents::Agents;
use agents::prelude::*;

use crate::everything::{External, Kitchen};

/// Compares a text with a file of `npm/types`, or writes the file.
pub(crate) fn compare(name: &str, found: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("npm/types").join(name);
    if env::var_os("UPDATE").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, found).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
    assert_eq!(found, expected, "{name} has changed; run with UPDATE=1 to accept the change");
}

/// An agent without a state of its own and without methods.
#[agent]
#[derive(Default)]
struct Bare;

#[agent]
impl Bare {}

/// A message that is not part of any method.
#[wire]
#[serde(tag = "type")]
enum Notice {
    Joined { who: String },
    Left { who: String, external: External },
}

fn agents() -> Agents {
    Agents::new().register::<Kitchen>().register::<Bare>().wire_type::<Notice>()
}

#[test]
fn every_kind_of_type_has_its_form() {
    compare("everything/agents.ts", agents().typescript().unwrap().as_str());
}

#[test]
fn the_order_of_registration_does_not_matter() {
    let other = Agents::new().wire_type::<Notice>().register::<Bare>().register::<Kitchen>();
    assert_eq!(other.typescript().unwrap().as_str(), agents().typescript().unwrap().as_str());
}

#[test]
fn a_host_without_agents_has_a_module_too() {
    let module = Agents::new().typescript().unwrap();
    assert!(module.as_str().contains("export const agents = {\n} as const;"), "{module}");
    assert!(module.as_str().contains(module.schema_hash()), "{module}");
}

mod before {
    use super::*;

    #[agent]
    #[derive(Default)]
    pub(super) struct Clock;

    #[agent]
    impl Clock {
        /// Returns the time.
        #[callable]
        fn now(&self, zone: Option<String>) -> u64 {
            zone.map_or(0, |zone| zone.len() as u64)
        }

        #[callable]
        fn stop(&self) {}
    }
}

mod after {
    use super::*;

    #[agent]
    #[derive(Default)]
    pub(super) struct Clock;

    #[agent]
    impl Clock {
        #[callable]
        fn stop(&self) {}

        /// Another comment.
        #[callable]
        fn now(&self, zone: Option<String>) -> u64 {
            zone.map_or(0, |zone| zone.len() as u64)
        }
    }
}

mod changed {
    use super::*;

    #[agent]
    #[derive(Default)]
    pub(super) struct Clock;

    #[agent]
    impl Clock {
        #[callable]
        fn now(&self, zone: String) -> u64 {
            zone.len() as u64
        }

        #[callable]
        fn stop(&self) {}
    }
}

#[test]
fn the_hash_hears_of_types_and_not_of_words() {
    let hash = |agents: Agents| agents.typescript().unwrap().schema_hash().to_owned();
    let before = hash(Agents::new().register::<before::Clock>());
    assert_eq!(before, hash(Agents::new().register::<after::Clock>()), "comments and the order of methods");
    assert_ne!(before, hash(Agents::new().register::<changed::Clock>()), "an argument that is required");
}
