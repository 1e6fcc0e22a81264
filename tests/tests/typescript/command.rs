//! Files: written, left alone, compared.

use std::fs;
use std::time::{Duration, SystemTime};

use agents::{Agents, TypeScript};
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
    assert_eq!(module.diff(&folder).unwrap(), None, "ends of lines are the checkout's");
}

#[test]
fn a_folder_that_cannot_be_is_an_error_with_its_path() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = module().write(folder.path().join("file/agents")).unwrap_err();
    assert_eq!(error.code(), "types_file");
    assert!(error.to_string().contains("file/agents"), "{error}");
}
