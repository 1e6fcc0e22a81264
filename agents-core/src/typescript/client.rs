//! The client that stands beside the types: the same for all programs.
//!
//! Its sources are `agents-client/typescript/src`; `npm run build` there puts copies here.

/// A file of the client: its path in the folder, and its text.
pub(super) type File = (&'static str, &'static str);

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("client/", $path)))),*]
    };
}

const TYPESCRIPT: &[File] = files![
    "client.ts",
    "runtime/calls.ts",
    "runtime/client.ts",
    "runtime/connection.ts",
    "runtime/error.ts",
    "runtime/listeners.ts",
    "runtime/mirror.ts",
    "runtime/options.ts",
    "runtime/outbox.ts",
    "runtime/stream.ts",
];

const JAVASCRIPT: &[File] = files![
    "client.js",
    "client.d.ts",
    "runtime/calls.js",
    "runtime/calls.d.ts",
    "runtime/client.js",
    "runtime/client.d.ts",
    "runtime/connection.js",
    "runtime/connection.d.ts",
    "runtime/error.js",
    "runtime/listeners.js",
    "runtime/error.d.ts",
    "runtime/listeners.d.ts",
    "runtime/mirror.js",
    "runtime/mirror.d.ts",
    "runtime/options.js",
    "runtime/options.d.ts",
    "runtime/outbox.js",
    "runtime/outbox.d.ts",
    "runtime/stream.js",
    "runtime/stream.d.ts",
];

const REACT_TYPESCRIPT: &[File] = files!["react.ts", "runtime/shared.ts"];

const REACT_JAVASCRIPT: &[File] =
    files!["react.js", "react.d.ts", "runtime/shared.js", "runtime/shared.d.ts"];

/// The files of the client, and with the hook for React if it is wanted.
pub(super) fn files(javascript: bool, react: bool) -> impl Iterator<Item = File> {
    let (client, hook) = match javascript {
        true => (JAVASCRIPT, REACT_JAVASCRIPT),
        false => (TYPESCRIPT, REACT_TYPESCRIPT),
    };
    client.iter().chain(if react { hook } else { &[] }).copied()
}
