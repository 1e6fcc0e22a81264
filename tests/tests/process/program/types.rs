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
    assert_eq!(written, ["agents.states.json", "agents.ts", "client.ts", "runtime"]);
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

#[test]
fn a_type_that_does_not_read_the_recorded_states_is_refused_until_it_is_accepted() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let record = ["--states", "states.json"];
    assert!(types(folder, &record).status.success());
    assert!(!folder.join("web/agents/agents.states.json").exists());
    let file = folder.join("states.json");
    let present = fs::read_to_string(&file).unwrap();
    assert_eq!(types(folder, &["--check", "--states", "states.json"]).status.code(), Some(0));

    // An older program had another name for the key, and an additional key.
    let older = present.replace("\"count\":", "\"number\":");
    assert_ne!(older, present);
    fs::write(&file, &older).unwrap();
    for args in [&["--check", "--states", "states.json"][..], &record] {
        let refused = types(folder, args);
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0), "{refused:?}");
        let stderr = String::from_utf8(refused.stderr).unwrap();
        for part in
            ["stored states of version 1 cannot be read:\n  missing field `count`\n", "(state_changed)"]
        {
            assert!(stderr.contains(part), "{stderr}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), older);
    }
    assert!(types(folder, &["--states", "states.json", "--accept-states"]).status.success());
    assert_eq!(fs::read_to_string(&file).unwrap(), present);

    fs::remove_file(&file).unwrap();
    let missing = types(folder, &["--check", "--states", "states.json"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8(missing.stdout).unwrap().starts_with("--- states.json\n"));
}
