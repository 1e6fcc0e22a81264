//! The interface of a class, and the types that belong to it.

use std::fmt::Write;

use crate::error::Result;
use crate::typescript::class::{Class, Method, Parameter};
use crate::typescript::names::{self, Names};
use crate::typescript::text::{comment, quoted};
use crate::wire::TypeSet;

/// The name of the map of all classes.
const MAP: &str = "Agents";

/// Returns the declarations of a class, in the order in which they are written.
///
/// # Errors
/// When one of their names is already used.
pub(super) fn declare(class: &Class, types: &mut TypeSet, names: &mut Names) -> Result<String> {
    let Class { name, rust_name, docs, methods, .. } = class;
    names.take(name, rust_name)?;
    let mut out = comment(docs, "");
    // A caller that knows the type gives it: `useAgent<Room, RoomState>`.
    let state = class.state.map_or_else(|| "any".to_owned(), |state| state(types).text);
    let _ = write!(
        out,
        "export interface {name} {{\n  /** The synchronised state. */\n  readonly state: {state};\n"
    );
    for method in methods {
        let _ = write!(out, "\n{}  {}", comment(&docs_of(method, name), "  "), signature(method, types));
    }
    out.push_str("}\n");

    let writes: Vec<_> =
        methods.iter().filter(|method| method.write).map(|method| quoted(method.name)).collect();
    let union = if writes.is_empty() { "never".to_owned() } else { writes.join(" | ") };
    let writes = format!("{name}Writes");
    names.take_beside(&writes, rust_name, "the writes")?;
    let _ = write!(
        out,
        "\n/** The methods of `{name}` that are refused for a read-only connection before they run. */\n\
         export type {writes} = {union};\n"
    );

    let mut streams = String::new();
    for method in methods {
        if let Some(items) = method.items(types) {
            let _ = writeln!(streams, "  {}: {items};", names::method(method.name));
        }
    }
    if !streams.is_empty() {
        let interface = format!("{name}Streams");
        names.take_beside(&interface, rust_name, "the streams")?;
        let _ = write!(
            out,
            "\n/** The items of the streams of `{name}`, by method. */\n\
             export interface {interface} {{\n{streams}}}\n"
        );
    }
    Ok(out)
}

/// Returns the map from the names of the classes to their types, for the client.
///
/// # Errors
/// When the name of the map is already used.
pub(super) fn map(classes: &[Class], names: &mut Names) -> Result<String> {
    names.take_beside(MAP, "agents", "the map")?;
    let mut out =
        comment("The agents by class: their state and methods, and the items of their streams.", "");
    let _ = writeln!(out, "export interface {MAP} {{");
    for class in classes {
        let name = class.name;
        let streams = match class.methods.iter().any(|method| method.streaming) {
            true => format!("{name}Streams"),
            false => "{}".to_owned(),
        };
        let _ = writeln!(out, "  {name}: {{ agent: {name}; streams: {streams} }};");
    }
    out.push_str("}\n");
    Ok(out)
}

/// Returns the method's doc comment, and the meaning of its options for a caller.
fn docs_of(method: &Method, class: &str) -> String {
    let mut paragraphs = Vec::new();
    if !method.docs.trim().is_empty() {
        paragraphs.push(method.docs.to_owned());
    }
    if method.streaming {
        let name = quoted(method.name);
        paragraphs.push(format!(
            "Answers with a stream of `{class}Streams[{name}]`. The client of the npm package takes \
             `call({name}, .., {{ stream: {{ onChunk }} }})`."
        ));
    }
    if method.write {
        paragraphs.push("Refused for a read-only connection.".to_owned());
    }
    if let Some(right) = method.require {
        paragraphs.push(format!("Needs the right `{right}`."));
    }
    if let Some(note) = method.deprecated {
        paragraphs.push(format!("@deprecated {note}").trim_end().to_owned());
    }
    paragraphs.join("\n\n")
}

fn signature(method: &Method, types: &mut TypeSet) -> String {
    let parameters: Vec<_> = method.parameters(types).into_iter().map(parameter).collect();
    let result = method.result(types);
    format!("{}({}): Promise<{result}>;\n", names::method(method.name), parameters.join(", "))
}

fn parameter(Parameter { name, text, is_optional }: Parameter) -> String {
    let name = names::parameter(name);
    format!("{name}{}: {text}", if is_optional { "?" } else { "" })
}
