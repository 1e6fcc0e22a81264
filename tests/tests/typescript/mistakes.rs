//! A type without a TypeScript form is an error that names the Rust types.

use agents::Agents;
use agents::prelude::*;

mod blog {
    use agents::prelude::*;

    #[wire]
    pub(crate) struct Post {
        title: String,
    }
}

mod mail {
    use agents::prelude::*;

    #[wire]
    pub(crate) struct Post {
        to: String,
    }

    #[wire]
    #[ts(rename = "Letter")]
    pub(crate) struct Renamed {
        to: String,
    }

    /// A class with the name of the map of all classes.
    #[wire]
    pub(crate) struct Agents {
        names: Vec<String>,
    }

    #[agent(name = "other-desk")]
    #[derive(Default)]
    pub(crate) struct Desk;

    #[agent]
    impl Desk {}
}

#[agent]
#[derive(Default)]
struct Desk;

#[agent]
impl Desk {
    #[callable]
    fn post(&self, post: blog::Post) -> Option<mail::Renamed> {
        drop(post);
        None
    }
}

#[wire]
struct DeskWrites {
    any: bool,
}

#[wire]
struct Grid<const N: usize> {
    #[ts(as = "[u8; N]")]
    cells: Vec<u8>,
}

#[wire]
struct Sized<const N: usize> {
    cells: Vec<u8>,
}

#[wire]
#[ts(rename = "no-name")]
struct Unspeakable {
    any: bool,
}

/// A sequence among the keys of an object. Serde refuses it only during serialisation.
#[wire]
struct Flattened {
    #[serde(flatten)]
    pair: (u8, u8),
}

fn error(agents: Agents) -> Error {
    agents.typescript().unwrap_err()
}

#[test]
fn an_error_names_both_types_of_one_name() {
    let error = error(Agents::new().register::<Desk>().wire_type::<mail::Post>());
    assert_eq!(error.code(), "types_name");
    let text = error.to_string();
    for path in
        ["`typescript::mistakes::blog::Post`", "`typescript::mistakes::mail::Post`", "`Post`", "rename"]
    {
        assert!(text.contains(path), "{path}: {text}");
    }
    Agents::new().register::<Desk>().wire_type::<mail::Renamed>().typescript().unwrap();
}

#[test]
fn classes_and_what_stands_beside_them_have_names_too() {
    let text = error(Agents::new().register::<Desk>().register::<mail::Desk>()).to_string();
    assert!(text.contains("mistakes::Desk` and `typescript::mistakes::mail::Desk`"), "{text}");
    let text = error(Agents::new().register::<Desk>().wire_type::<DeskWrites>()).to_string();
    assert!(
        text.contains("of `typescript::mistakes::Desk` and `typescript::mistakes::DeskWrites`"),
        "{text}"
    );
    let text = error(Agents::new().register::<Desk>().wire_type::<mail::Agents>()).to_string();
    assert!(text.contains("`typescript::mistakes::mail::Agents`") && text.contains("`Agents`"), "{text}");
    let text = error(Agents::new().wire_type::<Unspeakable>()).to_string();
    assert!(text.contains("Unspeakable` would be called `no-name`"), "{text}");
}

#[test]
fn a_number_in_a_type_matters_where_it_shows() {
    let text = error(Agents::new().wire_type::<Grid<2>>().wire_type::<Grid<3>>()).to_string();
    assert!(text.contains("Grid<2>` and `typescript::mistakes::Grid<3>`"), "{text}");
    Agents::new().wire_type::<Grid<2>>().wire_type::<Vec<Grid<2>>>().typescript().unwrap();
    Agents::new().wire_type::<Sized<2>>().wire_type::<Sized<3>>().typescript().unwrap();
}

#[test]
fn a_type_without_a_form_is_named() {
    let error = error(Agents::new().wire_type::<Flattened>());
    assert_eq!(error.code(), "types_form");
    assert!(error.to_string().contains("`typescript::mistakes::Flattened` cannot be written"), "{error}");
}
