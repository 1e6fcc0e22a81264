//! The standard output of the command line.

use std::io::{self, Write};

use crate::error::{Error, Result};

/// Writes a text to the standard output at once.
///
/// # Errors
/// Fails with the code `output`, for example when the reader of a pipe has ended.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Error::new("output", format!("cannot write to the standard output: {error}")))
}
