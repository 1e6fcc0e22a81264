//! Pages in TypeScript that are built by npm: the folder `examples/web`.
//!
//! The types of the program and the client are in the folder `agents` of a page. They are not checked in: the
//! program writes them when it starts.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;
use std::{fs, io};

use agents::axum::Router;
use agents::http::StatusCode;
use agents::server::TypeScript;
use tower_http::services::ServeDir;

const WEB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/web");

/// Serves the pages of one example.
///
/// The pages are built first if they are missing, or older than their sources or the types of the program.
pub(crate) fn pages(name: &str, types: &TypeScript) -> Router {
    match build(Path::new(WEB), name, types) {
        Ok(()) => Router::new().fallback_service(ServeDir::new(Path::new(WEB).join("dist").join(name))),
        Err(error) => {
            let text = format!(
                "The page is not there: {error}. It is built by npm, which comes with Node.js 20 or newer: \
                 `scripts/example.sh {name}` installs what is missing, or see examples/web/README.md.\n"
            );
            eprint!("{text}");
            Router::new().fallback(async move || (StatusCode::SERVICE_UNAVAILABLE, text.clone()))
        }
    }
}

fn build(web: &Path, name: &str, types: &TypeScript) -> io::Result<()> {
    let agents = web.join(name).join("agents");
    types.write(agents).map_err(|error| io::Error::other(error.to_string()))?;
    let built = fs::metadata(web.join("dist").join(name).join("index.html")).and_then(|page| page.modified());
    let sources = [web.join(name), web.join("shared"), web.join("package-lock.json")];
    if built.is_ok_and(|built| sources.iter().all(|source| newest(source).is_ok_and(|at| at <= built))) {
        return Ok(());
    }
    if !web.join("node_modules/.package-lock.json").exists() {
        npm(web, &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])?;
    }
    npm(web, &["run", "--silent", "bundle", "--", name])
}

/// Returns the modification time of a file, or that of the newest file in a folder.
fn newest(path: &Path) -> io::Result<SystemTime> {
    let mut newest = fs::metadata(path)?.modified()?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            newest = newest.max(self::newest(&entry?.path())?);
        }
    }
    Ok(newest)
}

fn npm(folder: &Path, arguments: &[&str]) -> io::Result<()> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    eprintln!("npm {}", arguments.join(" "));
    // The standard output of this program belongs to its caller, so npm writes to the standard error.
    let status = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .status()
        .map_err(|error| io::Error::other(format!("npm cannot be started ({error})")))?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("npm failed ({status})"))) }
}
