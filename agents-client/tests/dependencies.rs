//! The crates that users of this project compile. A new name in the lists is a deliberate decision.
//!
//! After a deliberate change: `UPDATE=1 cargo test -p agents-client --test dependencies`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// Returns the names of the crates in the tree of a package, without those that only tests and builds need.
fn tree(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none"])
        // The platform is fixed, so that the tree is the same on every machine.
        .args(["--target", "x86_64-unknown-linux-gnu", "--format", "{p}", "--package", package])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn compare(package: &str) -> BTreeSet<String> {
    let names = tree(package);
    let found: String = names.iter().map(|name| format!("{name}\n")).collect();
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dependencies").join(format!("{package}.txt"));
    if env::var_os("UPDATE").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &found).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    let expected: BTreeSet<String> = expected.lines().map(str::to_owned).collect();
    let new: Vec<_> = names.difference(&expected).collect();
    let gone: Vec<_> = expected.difference(&names).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "{package}: new {new:?}, gone {gone:?}; run with UPDATE=1 if the change is deliberate"
    );
    names
}

#[test]
fn the_client_needs_neither_a_server_nor_a_database() {
    let names = compare("agents-client");
    for server in ["agents", "agents-core", "axum", "hyper", "rusqlite", "libsqlite3-sys", "clap", "tower"] {
        assert!(!names.contains(server), "{server}");
    }
    for needed in ["agents-protocol", "tokio-tungstenite"] {
        assert!(names.contains(needed), "{needed}");
    }
}

/// Checks a program that shares its types with a server and is not a server, as in `examples/shared-types`.
#[test]
fn types_come_without_the_server() {
    let names = compare("chat-cli");
    let servers =
        ["agents-core", "axum", "hyper", "rusqlite", "libsqlite3-sys", "clap", "tower", "tracing-subscriber"];
    for server in servers {
        assert!(!names.contains(server), "{server}");
    }
    for needed in ["agents", "agents-client", "agents-protocol", "agents-macros", "chat-types"] {
        assert!(names.contains(needed), "{needed}");
    }
}

#[test]
fn users_of_agents_get_these_crates() {
    let names = compare("agents");
    for tool in ["agents-client", "criterion", "trybuild", "proptest", "tempfile"] {
        assert!(!names.contains(tool), "{tool}");
    }
    assert!(names.contains("agents-core"));
}
