//! Keys of a pushed state that its type does not have, and that serde drops silently.

use std::collections::BTreeMap;

use agents::prelude::*;
use agents::serde_json::Value;
use agents_tests::TestServer;

use crate::support::push;

#[wire]
#[derive(Clone, Default, PartialEq)]
enum Colour {
    #[default]
    Red,
    Green,
}

#[wire]
#[derive(Clone, Default)]
struct Look {
    #[serde(default, skip_serializing_if = "is_default")]
    colour: Colour,
    #[serde(alias = "thickness")]
    line_width: u32,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[wire]
#[derive(Clone)]
#[serde(tag = "type")]
enum Shape {
    Circle {
        radius: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    Box {
        sides: (f64, f64),
        look: Look,
    },
    Other(BTreeMap<String, Value>),
}

#[wire]
#[derive(Clone)]
#[serde(untagged)]
enum Size {
    Of {
        width: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        look: Option<Look>,
    },
    Wide {
        width: u32,
    },
    Named(String),
}

#[wire]
#[derive(Clone, Default)]
struct Page {
    title: String,
    #[serde(flatten)]
    look: Look,
    #[serde(default)]
    shapes: Vec<Shape>,
    #[serde(default)]
    children: Vec<Page>,
}

#[agent(state = Page)]
#[derive(Default)]
struct Drawing;

#[agent]
impl Drawing {}

#[wire]
#[derive(Clone, Default)]
struct Plate {
    size: Option<Size>,
}

#[agent(state = Plate)]
#[derive(Default)]
struct Sign;

#[agent]
impl Sign {}

#[wire]
#[derive(Clone, Default)]
struct Open {
    title: String,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

#[agent(state = Open)]
#[derive(Default)]
struct Notes;

#[agent]
impl Notes {}

async fn server() -> TestServer {
    TestServer::start(Agents::new().register::<Drawing>().register::<Sign>().register::<Notes>()).await
}

fn page(more: Value) -> Value {
    let mut page = json!({ "title": "a", "lineWidth": 1, "shapes": [], "children": [] });
    let all = page.as_object_mut().expect("an object");
    all.extend(more.as_object().expect("an object").clone());
    page
}

#[tokio::test]
async fn a_key_that_is_passed_over_is_told_and_refused() {
    let server = server().await;
    let mut client = server.join("/agents/drawing/a", true).await;
    let mut other = server.join("/agents/drawing/a", true).await;
    let circle = json!({ "type": "circle", "radius": 1 });
    let deep = json!({ "type": "box", "sides": [1, 2], "look": { "lineWidth": 1, "depth": { "of": 1 } } });
    for (key, state) in [
        ("note", page(json!({ "note": "x" }))),
        ("line_width", page(json!({ "line_width": 2 }))),
        ("note", page(json!({ "note": null }))),
        (
            "shapes[1].sides",
            page(json!({ "shapes": [circle, { "type": "circle", "radius": 1, "sides": [] }] })),
        ),
        ("shapes[0].look.depth", page(json!({ "shapes": [deep] }))),
        ("children[0].extra", page(json!({ "children": [page(json!({ "extra": false }))] }))),
        // A known key that is not written back (`colour`) does not end the check.
        (
            "shapes[0].extra",
            page(json!({ "colour": "red", "shapes": [{ "type": "circle", "radius": 1, "extra": 1 }] })),
        ),
    ] {
        client.send(push(&state)).await;
        let error = format!("State update rejected: the state has no key `{key}`");
        assert_eq!(client.json().await["error"], error, "{state}");
    }
    assert_eq!(other.drain().await, []);
}

#[tokio::test]
async fn a_key_that_is_known_and_not_written_again_is_taken() {
    let server = server().await;
    let mut client = server.join("/agents/drawing/a", true).await;
    let mut other = server.join("/agents/drawing/a", true).await;
    for (pushed, kept) in [
        (json!({}), json!({})),
        (json!({ "colour": "red" }), json!({})),
        (json!({ "colour": "green" }), json!({ "colour": "green" })),
        (
            json!({ "shapes": [{ "type": "circle", "radius": 1.0, "name": null }] }),
            json!({ "shapes": [{ "type": "circle", "radius": 1.0 }] }),
        ),
        (
            json!({ "shapes": [{ "look": { "thickness": 3, "colour": "red" }, "sides": [1.0, 2.0], "type": "box" }] }),
            json!({ "shapes": [{ "type": "box", "sides": [1.0, 2.0], "look": { "lineWidth": 3 } }] }),
        ),
        (
            json!({ "shapes": [{ "type": "other", "anything": { "goes": 1 } }] }),
            json!({ "shapes": [{ "type": "other", "anything": { "goes": 1 } }] }),
        ),
    ] {
        client.send(push(&page(pushed))).await;
        assert_eq!(other.json().await["state"], page(kept));
    }
    // The alias alone is accepted.
    let mut renamed = page(json!({ "thickness": 7 }));
    renamed.as_object_mut().expect("an object").remove("lineWidth");
    client.send(push(&renamed)).await;
    assert_eq!(other.json().await["state"], page(json!({ "lineWidth": 7 })));
    assert_eq!(client.drain().await, []);
}

#[tokio::test]
async fn a_type_with_a_map_for_them_keeps_all_keys() {
    let server = server().await;
    let mut client = server.join("/agents/notes/a", true).await;
    let mut other = server.join("/agents/notes/a", true).await;
    let state = json!({ "title": "a", "z": { "y": [null, { "x": 0 }] }, "": 1 });
    client.send(push(&state)).await;
    assert_eq!(other.json().await["state"], state);
}

#[tokio::test]
async fn of_an_enum_without_a_tag_a_key_is_dropped_that_no_form_of_it_keeps() {
    let server = server().await;
    let mut client = server.join("/agents/sign/a", true).await;
    let mut other = server.join("/agents/sign/a", true).await;
    let error = "State update rejected: the state has no key `size.height`";
    client.send(push(&json!({ "size": { "width": 1, "height": 2 } }))).await;
    assert_eq!(client.json().await["error"], error);
    let sign = |size: Value| json!({ "size": size });
    for (pushed, kept) in [
        // A `look` of another type would match the second variant.
        (json!({ "width": 1, "look": null }), json!({ "width": 1 })),
        (
            json!({ "width": 1, "look": { "lineWidth": 2 } }),
            json!({ "width": 1, "look": { "lineWidth": 2 } }),
        ),
        (json!("large"), json!("large")),
    ] {
        client.send(push(&sign(pushed))).await;
        assert_eq!(other.json().await["state"], sign(kept));
    }
    assert_eq!(client.drain().await, []);
}
