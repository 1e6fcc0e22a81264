//! The files of the command: written, kept, and compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use agents::Agents;
use agents::server::TypeScript;
use tempfile::TempDir;

use crate::everything::Kitchen;

fn module() -> TypeScript {
    Agents::new().register::<Kitchen>().typescript().unwrap()
}

#[test]
fn a_file_is_written_with_its_folders_and_then_left_alone() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("web/src/agents");
    let module = module();
    assert_eq!(module.write(&out).unwrap(), out.join("agents.ts"));
    assert_eq!(fs::read_to_string(out.join("agents.ts")).unwrap(), module.as_str());
    assert_eq!(module.diff(&out).unwrap(), None);

    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    fs::File::options().write(true).open(out.join("agents.ts")).unwrap().set_modified(long_ago).unwrap();
    module.write(&out).unwrap();
    assert_eq!(fs::metadata(out.join("agents.ts")).unwrap().modified().unwrap(), long_ago);
}

#[test]
fn a_difference_is_shown_from_the_file_to_the_program() {
    let folder = TempDir::new().unwrap();
    let module = module();
    let missing = module.diff(&folder).unwrap().unwrap();
    assert!(missing.contains("\n+export interface Kitchen {"), "{missing}");

    let file = module.write(&folder).unwrap();
    let old = module.as_str().replace("from: U64", "from: string");
    assert_ne!(old, module.as_str());
    fs::write(&file, old).unwrap();
    let diff = module.diff(&folder).unwrap().unwrap();
    assert!(
        diff.contains("\n-  count(from: string): Promise<void>;\n+  count(from: U64): Promise<void>;\n"),
        "{diff}"
    );
    assert!(diff.starts_with(&format!("--- {}\n", file.display())), "{diff}");

    fs::write(&file, module.as_str().replace('\n', "\r\n")).unwrap();
    assert_eq!(module.diff(&folder).unwrap(), None, "line ends are those of the checkout");
}

#[test]
fn a_folder_that_cannot_be_is_an_error_with_its_path() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = module().write(folder.path().join("file/agents")).unwrap_err();
    assert_eq!(error.code(), "types_file");
    assert!(error.to_string().contains("file/agents"), "{error}");
}

fn paths(module: &TypeScript) -> Vec<&str> {
    module.files().map(|(path, _)| path).collect()
}

#[test]
fn the_files_are_those_that_were_asked_for() {
    let plain = module();
    assert_eq!(paths(&module().types_only()), ["agents.ts"]);
    assert_eq!(paths(&module().react().types_only()), ["agents.ts"]);
    assert_eq!(paths(&plain)[..2], ["agents.ts", "client.ts"]);
    assert!(paths(&plain).iter().all(|path| path.ends_with(".ts") && !path.contains("react")));

    let react = module().types_only().react();
    let more: Vec<_> = paths(&react).into_iter().filter(|path| !paths(&plain).contains(path)).collect();
    assert_eq!(more, ["react.ts", "runtime/shared.ts"]);

    // Every TypeScript file corresponds to two JavaScript files.
    let javascript = module().react().javascript();
    let mut wanted: Vec<String> = paths(&react)
        .iter()
        .map(|path| path.trim_end_matches(".ts"))
        .flat_map(|stem| [format!("{stem}.js"), format!("{stem}.d.ts")])
        .collect();
    let mut found = paths(&javascript);
    wanted.sort();
    found.sort_unstable();
    assert_eq!(found, wanted);
    let types_only = module().javascript().types_only();
    assert_eq!(paths(&types_only), ["agents.js", "agents.d.ts"]);
}

#[test]
fn what_a_file_imports_stands_beside_it() {
    for module in [module(), module().react(), module().javascript(), module().react().javascript()] {
        let paths = paths(&module);
        for (path, text) in module.files() {
            for import in text.split("from \"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let Some(beside) = import.strip_prefix("./") else {
                    assert!(["partysocket/ws", "react"].contains(&import), "{path} imports {import}");
                    continue;
                };
                let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
                let file = format!("{folder}{beside}");
                let source = file.replace(".js", ".ts");
                assert!(paths.contains(&&*file) || paths.contains(&&*source), "{path} imports {import}");
            }
        }
    }
}

#[test]
fn a_file_of_the_client_that_was_changed_is_noticed_by_those_who_have_it() {
    let folder = TempDir::new().unwrap();
    let forms = [module().react(), module().react().javascript()];
    for form in &forms {
        form.write(&folder).unwrap();
        assert_eq!(form.diff(&folder).unwrap(), None);
    }
    let file = folder.path().join("runtime/shared.js");
    let changed = fs::read_to_string(&file).unwrap().replace("const LINGER = ", "const LINGERS = ");
    fs::write(&file, changed).unwrap();
    let diff = forms[1].diff(&folder).unwrap().unwrap();
    assert!(diff.starts_with(&format!("--- {}\n", file.display())), "{diff}");
    assert!(diff.contains("\n-const LINGERS = ") && diff.contains("\n+const LINGER = "), "{diff}");
    assert_eq!(forms[0].diff(&folder).unwrap(), None);
    assert_eq!(module().javascript().diff(&folder).unwrap(), None, "without the hook the file is not needed");

    fs::remove_file(&file).unwrap();
    assert!(forms[1].diff(&folder).unwrap().unwrap().contains("\n+const LINGER = "));
    forms[1].write(&folder).unwrap();
    assert_eq!(forms[1].diff(&folder).unwrap(), None);
}

/// Returns the texts of the files in a folder by their relative paths, without the types of a program.
fn client(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.file_name().is_some_and(|name| !name.to_str().unwrap().starts_with("agents.")) {
                let text = fs::read_to_string(&entry).unwrap().replace("\r\n", "\n");
                files.insert(entry.strip_prefix(folder).unwrap().to_owned(), text);
            }
        }
    }
    files
}

#[test]
fn the_client_that_is_written_is_the_one_that_is_tested() {
    let tested = Path::new(env!("CARGO_MANIFEST_DIR")).join("../agents-core/typescript");
    for (module, form) in [(module().react(), "src"), (module().react().javascript(), "dist")] {
        let folder = TempDir::new().unwrap();
        module.write(&folder).unwrap();
        assert_eq!(client(folder.path()), client(&tested.join(form)), "{form}");
    }
}
