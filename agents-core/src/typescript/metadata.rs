//! What a client may know of classes while it runs.

use std::fmt::Write;

use crate::typescript::class::{Class, Method};
use crate::typescript::text::{comment, quoted};
use crate::wire::TypeSet;

/// The name of the constant.
pub(super) const NAME: &str = "agents";

const DOCS: &str = "\
The agents by class: the name in addresses, and for each method its arguments, how many of them are
required, and its options.";

/// The constant, with the classes in the order given.
pub(super) fn declare(classes: &[Class], types: &mut TypeSet) -> String {
    let mut out = comment(DOCS, "");
    let _ = writeln!(out, "export const {NAME} = {{");
    for class in classes {
        let (name, route) = (class.name, quoted(&class.route));
        if class.methods.is_empty() {
            let _ = writeln!(out, "  {name}: {{ name: {route}, methods: {{}} }},");
            continue;
        }
        let _ = write!(out, "  {name}: {{\n    name: {route},\n    methods: {{\n");
        for method in &class.methods {
            let _ = writeln!(out, "      {}: {},", method.name, options(method, types));
        }
        out.push_str("    },\n  },\n");
    }
    out.push_str("} as const;\n");
    out
}

fn options(method: &Method, types: &mut TypeSet) -> String {
    let parameters = method.parameters(types);
    let required = parameters.iter().filter(|parameter| !parameter.is_optional).count();
    let names: Vec<_> = parameters.iter().map(|parameter| quoted(parameter.name)).collect();
    let require = method.require.map_or_else(|| "null".to_owned(), quoted);
    format!(
        "{{ arguments: [{}], required: {required}, streaming: {}, write: {}, require: {require}, deprecated: {} }}",
        names.join(", "),
        method.streaming,
        method.write,
        method.deprecated.is_some(),
    )
}
