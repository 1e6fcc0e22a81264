//! The command `types`: a file, a difference, an exit code, and no other effects.

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::conformance::command;

/// Runs `types` in a folder, with an output folder inside it.
fn types(folder: &Path, args: &[&str]) -> Output {
    command().args(["types", "--out", "web/agents"]).args(args).current_dir(folder).output().unwrap()
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_check_fails_until_the_file_is_written() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let check = types(folder, &["--check"]);
    assert_eq!(check.status.code(), Some(1));
    let (stdout, stderr) =
        (String::from_utf8(check.stdout).unwrap(), String::from_utf8(check.stderr).unwrap());
    assert!(stdout.contains("+export interface TestCounter {"), "{stdout}");
    assert!(stderr.contains("web/agents is out of date: run `types` again"), "{stderr}");
    assert_eq!(entries(folder), Vec::<String>::new(), "a check writes nothing");

    let write = types(folder, &[]);
    assert!(write.status.success(), "{write:?}");
    let mut written = entries(&folder.join("web/agents"));
    written.sort();
    assert_eq!(written, ["agents.ts", "client.ts", "runtime"]);
    assert_eq!(entries(folder), ["web"], "no folder for data");
    let again = types(folder, &["--check"]);
    assert_eq!((again.status.code(), again.stdout.len()), (Some(0), 0), "{again:?}");

    let file = folder.join("web/agents/agents.ts");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}// a change by hand\n")).unwrap();
    let drifted = types(folder, &["--check"]);
    assert_eq!(drifted.status.code(), Some(1));
    let stdout = String::from_utf8(drifted.stdout).unwrap();
    assert!(stdout.ends_with("-// a change by hand\n"), "{stdout}");
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("web"), "").unwrap();
    let write = types(folder.path(), &[]);
    assert_eq!(write.status.code(), Some(1));
    let stderr = String::from_utf8(write.stderr).unwrap();
    assert!(stderr.contains("web/agents"), "{stderr}");
}
