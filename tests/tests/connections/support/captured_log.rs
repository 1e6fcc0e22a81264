//! The log of the host, captured for tests that read it.

use std::sync::Once;

use agents_tests::LogSink;
use tracing_subscriber::filter::LevelFilter;

/// Captures all errors and warnings from now on, of all tests of this process.
pub(crate) fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::WARN)
            .with_ansi(false)
            .with_writer(|| LogSink)
            .init();
    });
}

/// Returns the captured lines that contain a word, for example the name of an agent that only one test uses.
pub(crate) fn lines_with(word: &str) -> Vec<String> {
    let lines = LogSink::text();
    lines.lines().filter(|line| line.contains(word)).map(str::to_owned).collect()
}

/// Returns those of the lines that are errors.
pub(crate) fn errors_with(word: &str) -> Vec<String> {
    lines_with(word).into_iter().filter(|line| line.contains("ERROR")).collect()
}
