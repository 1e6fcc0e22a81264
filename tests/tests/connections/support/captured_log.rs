//! The log of the host, captured for tests that read it.

use std::io::{self, Write};
use std::sync::{Mutex, Once};

use tracing_subscriber::filter::LevelFilter;

static LINES: Mutex<String> = Mutex::new(String::new());

struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().expect("no panic").push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Captures all errors and warnings from now on, of all tests of this process.
pub(crate) fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::WARN)
            .with_ansi(false)
            .with_writer(|| Sink)
            .init();
    });
}

/// Returns the captured lines that contain a word, for example the name of an agent that only one test uses.
pub(crate) fn lines_with(word: &str) -> Vec<String> {
    let lines = LINES.lock().expect("no panic");
    lines.lines().filter(|line| line.contains(word)).map(str::to_owned).collect()
}

/// Returns those of the lines that are errors.
pub(crate) fn errors_with(word: &str) -> Vec<String> {
    lines_with(word).into_iter().filter(|line| line.contains("ERROR")).collect()
}
