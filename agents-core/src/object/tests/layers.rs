//! The modules that each layer may use, read from its source.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers that server and clients share, in `agents-protocol`.
const SHARED: [&str; 2] = ["wire", "interface"];

/// The layer that all others may use.
const OPEN: &str = "support";

/// The layers, each with the layers that it may use besides itself and [`OPEN`].
const LAYERS: [(&str, &[&str]); 12] = [
    ("wire", &["error"]),
    ("interface", &["error", "wire"]),
    ("storage", &["error", "wire"]),
    ("support", &[]),
    ("limits", &[]),
    ("gateway", &["error", "limits", "message", "wire"]),
    ("object", &["error", "gateway", "limits", "storage", "wire"]),
    ("agent", &["error", "gateway", "interface", "limits", "object", "storage", "wire"]),
    ("typescript", &["agent", "error", "wire"]),
    ("auth", &["agent", "error", "interface", "object", "wire"]),
    (
        "server",
        &[
            "agent",
            "auth",
            "error",
            "gateway",
            "interface",
            "limits",
            "object",
            "storage",
            "typescript",
            "wire",
        ],
    ),
    ("testing", &["agent", "auth", "error", "gateway", "limits", "object", "server", "storage", "wire"]),
];

/// The words of the network: sockets belong to the gateway, HTTP connections to the server.
const NETWORK: [&str; 4] = ["tokio::net", "TcpStream", "hyper", "tungstenite"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// Returns the code of a file without its comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn layer(name: &str) -> Vec<(PathBuf, String)> {
    let of_crate = if SHARED.contains(&name) { "../agents-protocol/src" } else { "src" };
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(of_crate).join(name), &mut found);
    assert!(!found.is_empty(), "{name} has no files");
    found.into_iter().map(|path| (path.clone(), code(&path))).collect()
}

#[test]
fn a_layer_uses_only_those_before_it() {
    for (name, allowed) in LAYERS {
        for (path, code) in layer(name) {
            let uses = ["crate::", "agents_protocol::"].map(|path| code.split(path).skip(1));
            for used in uses.into_iter().flatten() {
                let module: String =
                    used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                let known = LAYERS.iter().any(|(layer, _)| *layer == module);
                assert!(
                    !known || module == name || module == OPEN || allowed.contains(&module.as_str()),
                    "{} uses crate::{module}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_table_of_the_layers_is_the_one_that_is_checked() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ARCHITECTURE.md");
    let page = fs::read_to_string(page).unwrap();
    let table = page.lines().map(str::trim).skip_while(|line| *line != "| layer | uses |").skip(2);
    let table: Vec<_> = table.take_while(|line| line.starts_with('|')).collect();
    let expected = LAYERS.map(|(name, allowed)| {
        let used: Vec<_> = allowed.iter().map(|used| format!("`{used}`")).collect();
        let used = if used.is_empty() { "nothing".to_owned() } else { used.join(", ") };
        format!("| `{name}` | {used} |")
    });
    assert_eq!(table, expected);
}

// S184
#[test]
fn objects_and_agents_know_no_sockets() {
    for name in ["wire", "interface", "storage", "object", "agent"] {
        for (path, code) in layer(name) {
            for word in NETWORK {
                assert!(!code.contains(word), "{} names {word}", path.display());
            }
        }
    }
    assert!(
        layer("gateway").iter().any(|(_, code)| code.contains("TcpStream")),
        "the word occurs in the gateway"
    );
}

/// Returns whether a word stands in the code by itself.
fn names(code: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + word.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

#[test]
fn objects_reach_the_gateway_through_its_port() {
    for name in ["object", "agent", "auth"] {
        for (path, code) in layer(name) {
            for word in ["Hub", "Gateway", "Socket", "forward", "GatewayTotals"] {
                assert!(!names(&code, word), "{} names {word}", path.display());
            }
        }
    }
    let object = layer("object");
    assert!(object.iter().any(|(_, code)| names(code, "GatewayPort")), "the word is found");
}

#[test]
fn the_gateway_knows_no_call_and_no_state() {
    let protocol = ["rpc", "RPC", "frame::parse", "CallHead", "state_changed", "AgentState", "callable"];
    for (path, code) in layer("gateway") {
        for word in protocol {
            assert!(!names(&code, word), "{} names {word}", path.display());
        }
    }
}
