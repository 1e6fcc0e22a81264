//! The description of classes that a client can read at run time.

use std::fmt::Write;

use crate::typescript::class::{Class, Method};
use crate::typescript::text::{comment, quoted};
use crate::wire::TypeSet;

/// The name of the constant.
pub(super) const NAME: &str = "agents";

const DOCS: &str = "\
The agents by class: the name in addresses, and for each method its arguments, how many of them are
required, and its options.";

/// Returns the constant with its types, with the classes in the given order.
pub(super) fn declare(classes: &[Class], types: &mut TypeSet) -> String {
    let values = members(classes, types, &Form::VALUE);
    format!("{}export const {NAME} = {{\n{values}}} as const;\n", comment(DOCS, ""))
}

/// Returns the constant in JavaScript.
pub(super) fn value(classes: &[Class], types: &mut TypeSet) -> String {
    let values = members(classes, types, &Form::VALUE);
    format!("{}export const {NAME} = {{\n{values}}};\n", comment(DOCS, ""))
}

/// Returns the declaration of the constant with its types.
pub(super) fn types(classes: &[Class], types: &mut TypeSet) -> String {
    let members = members(classes, types, &Form::TYPE);
    format!("{}export declare const {NAME}: {{\n{members}}};\n", comment(DOCS, ""))
}

/// The form of a member: with its value, or with its type, which is as narrow as the value.
struct Form {
    key: &'static str,
    list: &'static str,
    end: &'static str,
}

impl Form {
    const VALUE: Self = Self { key: "", list: "", end: "," };
    const TYPE: Self = Self { key: "readonly ", list: "readonly ", end: ";" };
}

fn members(classes: &[Class], types: &mut TypeSet, form: &Form) -> String {
    let Form { key, end, .. } = form;
    let mut out = String::new();
    for class in classes {
        let (name, route) = (class.name, quoted(&class.route));
        if class.methods.is_empty() {
            let _ = writeln!(out, "  {key}{name}: {{ {key}name: {route}{end} {key}methods: {{}} }}{end}");
            continue;
        }
        let _ = write!(out, "  {key}{name}: {{\n    {key}name: {route}{end}\n    {key}methods: {{\n");
        for method in &class.methods {
            let _ = writeln!(out, "      {key}{}: {}{end}", method.name, options(method, types, form));
        }
        let _ = write!(out, "    }}{end}\n  }}{end}\n");
    }
    out
}

fn options(method: &Method, types: &mut TypeSet, form: &Form) -> String {
    let Form { key, list, end } = form;
    let parameters = method.parameters(types);
    let required = parameters.iter().filter(|parameter| !parameter.is_optional).count();
    let names: Vec<_> = parameters.iter().map(|parameter| quoted(parameter.name)).collect();
    let require = method.require.map_or_else(|| "null".to_owned(), quoted);
    format!(
        "{{ {key}arguments: {list}[{}]{end} {key}required: {required}{end} {key}streaming: {}{end} {key}write: {}{end} \
         {key}require: {require}{end} {key}deprecated: {} }}",
        names.join(", "),
        method.streaming,
        method.write,
        method.deprecated.is_some(),
    )
}
