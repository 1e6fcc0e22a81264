//! Moves a part of a log into its database, like a checkpoint that breaks off; for tests.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use crate::storage::file::create::suffixed;

/// The lengths of the header of a log and of the header of each frame.
const HEADER: usize = 32;
const FRAME: usize = 24;

/// Writes the first half of the committed pages of a log to the database, the last of them only in part.
/// Nothing is flushed.
///
/// SQLite also writes the pages in the order of their numbers. The log is not changed, so each of these pages
/// is still read from it. Returns the database file, which has to stay open as long as SQLite has it open:
/// closing one descriptor of a file releases all locks of the process on it.
pub(super) fn move_in_part(database: &Path) -> io::Result<File> {
    let log = fs::read(suffixed(database, "-wal"))?;
    let mut file = File::options().read(true).write(true).open(database)?;
    let pages = committed(&log);
    let count = pages.len().div_ceil(2);
    for (at, (number, page)) in pages.iter().take(count).enumerate() {
        let bytes = if at + 1 == count { &page[..page.len() / 2] } else { page };
        file.seek(SeekFrom::Start((u64::from(*number) - 1) * page.len() as u64))?;
        file.write_all(bytes)?;
    }
    Ok(file)
}

/// Returns the newest committed content of each page in a log.
fn committed(log: &[u8]) -> BTreeMap<u32, &[u8]> {
    let mut pages = BTreeMap::new();
    let Some((header, frames)) = log.split_at_checked(HEADER) else { return pages };
    let size = match number(&header[8..]) {
        1 => 65_536,
        size => size as usize,
    };
    let salts = &header[16..24];
    let mut uncommitted = Vec::new();
    for frame in frames.chunks_exact(FRAME + size).take_while(|frame| frame[8..16] == *salts) {
        uncommitted.push((number(frame), &frame[FRAME..]));
        // A frame with the length of the database is the end of a commit.
        if number(&frame[4..]) > 0 {
            pages.extend(uncommitted.drain(..));
        }
    }
    pages
}

fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}
