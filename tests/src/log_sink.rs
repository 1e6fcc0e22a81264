//! A sink for the log of the process, for tests that read it.

use std::io::{self, Write};
use std::sync::Mutex;

static LINES: Mutex<String> = Mutex::new(String::new());

/// Collects the text that a subscriber writes: `.with_writer(|| LogSink)`.
#[derive(Debug)]
pub struct LogSink;

impl LogSink {
    /// Returns the text that was collected so far.
    ///
    /// # Panics
    /// When a panic interrupted a writer.
    pub fn text() -> String {
        LINES.lock().expect("no panic").clone()
    }
}

impl Write for LogSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().expect("no panic").push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
