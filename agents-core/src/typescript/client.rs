//! The client files that are written beside the types, the same for all programs.
//!
//! Their source is `agents-core/typescript/src`. `npm run build` there makes the JavaScript form, in `dist`.

/// A file of the client: its path in the folder, and its text.
pub(super) type File = (&'static str, &'static str);

/// One module of the client, in both forms.
struct Module {
    typescript: [File; 1],
    javascript: [File; 2],
}

macro_rules! modules {
    ($($name:literal),* $(,)?) => {
        &[$(Module {
            typescript: [file!("src", $name, ".ts")],
            javascript: [file!("dist", $name, ".js"), file!("dist", $name, ".d.ts")],
        }),*]
    };
}

macro_rules! file {
    ($folder:literal, $name:literal, $end:literal) => {
        (
            concat!($name, $end),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/typescript/", $folder, "/", $name, $end)),
        )
    };
}

const CLIENT: &[Module] = modules![
    "client",
    "runtime/calls",
    "runtime/client",
    "runtime/close-code",
    "runtime/connection",
    "runtime/error",
    "runtime/listeners",
    "runtime/options",
    "runtime/outbox",
    "runtime/state-cache",
    "runtime/stream",
];

/// The hook for React, and the modules that only the hook needs.
const REACT: &[Module] = modules!["react", "runtime/shared"];

/// Returns the files of the client, and those of the hook for React if `react` is set.
pub(super) fn files(javascript: bool, react: bool) -> impl Iterator<Item = File> {
    CLIENT
        .iter()
        .chain(if react { REACT } else { &[] })
        .flat_map(move |module| match javascript {
            true => &module.javascript[..],
            false => &module.typescript[..],
        })
        .copied()
}
