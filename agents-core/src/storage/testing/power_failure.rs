//! Simulates power failures: records the content that is certainly on the disk, and chooses the rest.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::storage::file::clean_close::{MARK, NEW, WalStatus};
use crate::storage::file::create::{parent_of, suffixed};

/// The smallest unit that a disk writes completely.
const SECTOR: usize = 512;
/// The length of a log's header.
const HEADER: usize = 32;

/// The content of the disk for each database, by its path.
#[derive(Debug, Default)]
pub(in crate::storage) struct Record {
    files: HashMap<PathBuf, Durable>,
    /// Files and folders whose names are on the disk.
    named: HashSet<PathBuf>,
    /// Notes that a database is new, whose removal is not on the disk.
    removed: HashSet<PathBuf>,
    /// Folders in which a database was opened.
    folders: HashSet<PathBuf>,
}

#[derive(Debug, Default)]
struct Durable {
    /// `None` before the first flush.
    database: Option<Vec<u8>>,
    /// The new database before its first flush.
    made: Option<Vec<u8>>,
    /// The database as an interrupted checkpoint wrote it, without a flush.
    in_part: Option<Vec<u8>>,
    log: Vec<u8>,
    /// The log on the disk before it was cut. The cut may not be on the disk.
    cut: Option<Vec<u8>>,
    /// The whole content of the log when the store was about to be opened or closed.
    moving: Vec<u8>,
    /// The number of checkpoints, so that a sync that began before a checkpoint does not undo its effect.
    checkpoints: u64,
}

/// The log at the start of a sync.
#[derive(Debug)]
pub(in crate::storage) struct Before {
    log: Vec<u8>,
    checkpoints: u64,
}

impl Durable {
    /// Returns whether a checkpoint has moved frames into the database. A checkpoint flushes a new database
    /// as well.
    fn is_moved(&self, bytes: &[u8]) -> bool {
        self.database.as_ref().or(self.made.as_ref()).is_some_and(|before| before != bytes)
    }
}

impl Record {
    pub(in crate::storage) fn moving(&mut self, path: &Path) {
        let log = suffixed(path, "-wal");
        let folder = parent_of(path);
        if !self.folders.contains(&folder) {
            if folder.exists() {
                self.named.insert(folder.clone());
            }
            self.folders.insert(folder);
        }
        match self.files.get_mut(path) {
            Some(file) => file.moving = content(&log),
            // A file that existed before it was first opened counts as flushed.
            None if path.exists() => self.named.extend(way_to(path).chain(log.exists().then(|| log.clone()))),
            None => {}
        }
        if !log.exists() {
            // The name of the next log has to be flushed again.
            self.named.remove(&log);
        }
    }

    pub(in crate::storage) fn opened(&mut self, path: &Path, bytes: Vec<u8>, flushed: bool) {
        let known = self.files.contains_key(path);
        let file = self.files.entry(path.to_owned()).or_default();
        if !known && flushed {
            file.database = Some(bytes);
            self.named.extend(way_to(path));
        } else if !known {
            file.made = Some(bytes);
        } else if file.is_moved(&bytes) {
            // The log was flushed, moved into the database, and cut.
            file.database = Some(bytes);
            file.in_part = None;
            file.cut = Some(std::mem::take(&mut file.moving));
            file.log = Vec::new();
            file.checkpoints += 1;
        }
    }

    pub(in crate::storage) fn checkpointed(&mut self, path: &Path, bytes: Vec<u8>) {
        let file = self.files.entry(path.to_owned()).or_default();
        if file.is_moved(&bytes) {
            // In a checkpoint SQLite flushed the log, wrote the database and flushed it.
            file.database = Some(bytes);
            file.in_part = None;
            file.log = content(&suffixed(path, "-wal"));
            file.cut = None;
            file.checkpoints += 1;
        }
    }

    /// Records that a checkpoint broke off and left the database with this content. SQLite had flushed the
    /// log before.
    pub(in crate::storage) fn moved_in_part(&mut self, path: &Path, bytes: Vec<u8>) {
        let file = self.files.entry(path.to_owned()).or_default();
        file.in_part = Some(bytes);
        file.log = content(&suffixed(path, "-wal"));
        file.cut = None;
        file.checkpoints += 1;
    }

    pub(in crate::storage) fn before_flush(&mut self, path: &Path) -> Before {
        let checkpoints = self.files.get(path).map_or(0, |file| file.checkpoints);
        Before { log: content(&suffixed(path, "-wal")), checkpoints }
    }

    pub(in crate::storage) fn flushed_database(&mut self, path: &Path, content: Vec<u8>) {
        let file = self.files.entry(path.to_owned()).or_default();
        file.database = Some(content);
        file.in_part = None;
    }

    pub(in crate::storage) fn note_removed(&mut self, note: PathBuf) {
        self.removed.insert(note);
    }

    pub(in crate::storage) fn flushed_folder(&mut self, folder: &Path, names: Vec<PathBuf>) {
        self.removed.retain(|path| parent_of(path) != folder);
        self.named.extend(names);
    }

    pub(in crate::storage) fn flushed_log(&mut self, path: &Path, before: Before) {
        let file = self.files.entry(path.to_owned()).or_default();
        file.cut = None;
        if file.checkpoints == before.checkpoints {
            file.log = before.log;
        }
    }

    pub(in crate::storage) fn closed(&mut self, path: &Path) {
        let Some(file) = self.files.get_mut(path) else { return };
        if WalStatus::of(path).closed_cleanly() {
            let log = std::mem::replace(&mut file.log, content(&suffixed(path, "-wal")));
            let moving = std::mem::take(&mut file.moving);
            let database = Some(content(path));
            file.in_part = None;
            if file.database == database {
                // The log brought nothing new. After a power failure it may be back, or the earlier log, if
                // that one was not yet seen to be cut.
                file.cut = file.cut.take().or(Some(log));
            } else {
                // SQLite flushed the whole log and its name first. If the log is back after a power failure,
                // it is whole and leads to the same database.
                file.database = database;
                file.cut = Some(moving);
            }
            file.checkpoints += 1;
        }
    }

    pub(in crate::storage) fn power_cut(&self, data: &Path, into: &Path, seed: u64) -> io::Result<()> {
        let mut random = Random(seed);
        let mut found = Vec::new();
        databases(data, &mut found)?;
        // The order of names in a folder differs between systems. With the sort, a seed has the same effect
        // everywhere.
        found.sort();
        let lost = Durable::default();
        for path in found {
            let Ok(inside) = path.strip_prefix(data) else { continue };
            let target = into.join(inside);
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder)?;
            }
            let note = suffixed(&path, NEW);
            let noted = note.exists() || (self.removed.contains(&note) && random.flip());
            if noted {
                fs::write(suffixed(&target, NEW), "")?;
            }
            // Names reach the disk in the order in which they were added: the log, the note, the database.
            let log = suffixed(&path, "-wal");
            let is_named = way_to(&path).all(|name| name == data || self.named.contains(&name));
            let lost_names = if is_named { 0 } else { random.below(3) };
            let file = self.files.get(&path).unwrap_or(&lost);
            let database = match &file.database {
                Some(bytes) => Some(match &file.in_part {
                    Some(written) => in_part(bytes, written, &mut random),
                    None => bytes.clone(),
                }),
                None => never_flushed(&content(&path), &mut random),
            };
            if let Some(bytes) = database.filter(|_| lost_names == 0) {
                fs::write(&target, bytes)?;
            }
            if lost_names == 2 || (is_named && !self.named.contains(&log) && random.flip()) {
                continue;
            }
            let written = content(&log);
            let left = match &file.cut {
                Some(cut) if random.flip() => cut.clone(),
                // The cut is on the disk, and the mark is not.
                Some(_) if random.flip() => torn_log(&[], &written, &mut random),
                _ => torn_log(&file.log, &written, &mut random),
            };
            if log.exists() || !left.is_empty() {
                fs::write(suffixed(&target, "-wal"), left)?;
            }
        }
        Ok(())
    }
}

/// Returns the names that lead to a file: its own and that of its folder. The data folder itself is not
/// tracked.
fn way_to(path: &Path) -> impl Iterator<Item = PathBuf> {
    [path.to_owned(), parent_of(path)].into_iter()
}

pub(in crate::storage) fn names_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()
}

/// Collects all databases in a folder and in its folders.
fn databases(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            databases(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "sqlite") {
            found.push(path);
        }
    }
    Ok(())
}

fn content(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_default()
}

/// Returns the rest of a new file that was never flushed.
fn never_flushed(written: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    match random.below(6) {
        0 => None,
        1 => Some(Vec::new()),
        2 => Some(vec![0; written.len()]),
        3 => Some(written.to_vec()),
        way => {
            let length = if way == 4 { written.len() } else { random.below(written.len() + 1) };
            let mut bytes = written[..length].to_vec();
            for piece in bytes.chunks_mut(SECTOR) {
                if random.flip() {
                    piece.fill(0);
                }
            }
            Some(bytes)
        }
    }
}

/// Returns the rest of a database that was overwritten and not flushed.
fn in_part(durable: &[u8], written: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = if random.flip() { durable.to_vec() } else { written.to_vec() };
    let other = if bytes.len() == durable.len() { written } else { durable };
    for (piece, other) in bytes.chunks_mut(SECTOR).zip(other.chunks(SECTOR)) {
        if piece.len() == other.len() && random.flip() {
            piece.copy_from_slice(other);
        }
    }
    bytes
}

/// Returns the rest of a log. `durable` is on the disk, `written` is the intended content.
fn torn_log(durable: &[u8], written: &[u8], random: &mut Random) -> Vec<u8> {
    // SQLite flushes a new header over old frames, together with the length, before it writes frames behind
    // it.
    let fresh =
        durable.len() >= HEADER && written.len() >= HEADER && written.get(..HEADER) != durable.get(..HEADER);
    let mut base = durable.to_vec();
    if fresh {
        base.truncate(written.len());
        base.resize(base.len().max(HEADER), 0);
        base[..HEADER].copy_from_slice(&written[..HEADER]);
    }
    let (short, long) = (base.len().min(written.len()), base.len().max(written.len()));
    let length = match random.below(3) {
        0 => base.len(),
        1 => written.len(),
        _ => short + random.below(long - short + 1),
    };
    // The length equals that of the mark only if the log is the mark, because a header is written at once.
    let length = if length as u64 == MARK { short } else { length };
    // Often none or all of the pieces are there. With many random pieces a whole commit would never be there.
    let way = random.below(4);
    if way == 0 {
        return base;
    }
    if way == 1 {
        return written.to_vec();
    }
    let mut out = vec![0; length];
    for (at, piece) in out.chunks_mut(SECTOR).enumerate() {
        let from = at * SECTOR;
        let source = if random.flip() { written } else { &base };
        let source = source.get(from..).unwrap_or_default();
        let count = source.len().min(piece.len());
        piece[..count].copy_from_slice(&source[..count]);
        // The common part is there in any case.
        let header = base.get(from..).unwrap_or_default();
        if fresh && at == 0 {
            let count = HEADER.min(header.len()).min(piece.len());
            piece[..count].copy_from_slice(&header[..count]);
        }
    }
    out
}

/// A generator of random numbers that are determined by a seed.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
    }

    fn flip(&mut self) -> bool {
        self.next() & 1 == 1
    }
}
