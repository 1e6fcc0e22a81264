//! Programs that the macros accept: they compile and run.

#![allow(
    unused_imports,
    clippy::too_many_arguments,
    clippy::unused_unit,
    reason = "what users may write, the macros accept"
)]
#[path = "pass/callables.rs"]
mod callables;
#[path = "pass/chat.rs"]
mod chat;
#[path = "pass/hooks.rs"]
mod hooks;
#[path = "pass/lints.rs"]
mod lints;
#[path = "pass/macro_rules.rs"]
mod macro_rules;
#[path = "pass/migrations.rs"]
mod migrations;
#[path = "pass/names.rs"]
mod names;
#[path = "pass/options.rs"]
mod options;
#[path = "pass/rights.rs"]
mod rights;
#[path = "pass/sql.rs"]
mod sql;
#[path = "pass/streams.rs"]
mod streams;
#[path = "pass/typescript.rs"]
mod typescript;
#[path = "pass/wire.rs"]
mod wire;

#[test]
fn run_callables() {
    callables::main();
}

#[test]
fn run_chat() {
    chat::main();
}

#[test]
fn run_hooks() {
    hooks::main();
}

#[test]
fn run_lints() {
    lints::main();
}

#[test]
fn run_macro_rules() {
    macro_rules::main();
}

#[test]
fn run_migrations() {
    migrations::main();
}

#[test]
fn run_names() {
    names::main();
}

#[test]
fn run_options() {
    options::main();
}

#[test]
fn run_rights() {
    rights::main();
}

#[test]
fn run_sql() {
    sql::main();
}

#[test]
fn run_streams() {
    streams::main();
}

#[test]
fn run_typescript() {
    typescript::main();
}

#[test]
fn run_wire() {
    wire::main();
}
