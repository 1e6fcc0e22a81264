//! Cards from a file with one JSON object a line.

use agents::prelude::*;

/// The progress of an import.
#[wire]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The number of cards that were added so far.
    pub added: u64,
    /// The number of bytes that were read so far.
    pub read: u64,
    /// The size of the file in bytes.
    pub size: u64,
}

/// The result of an import.
#[wire]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The number of cards that were added.
    pub added: u64,
    /// The number of lines that were left out.
    pub skipped: u64,
    /// The first 20 of these lines.
    pub problems: Vec<Problem>,
}

/// A line that is no card, or a card that the board refused.
#[wire]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The number of the line, from 1.
    pub line: u64,
    /// The reason.
    pub message: String,
}

#[cfg(feature = "server")]
mod server {
    use std::mem::take;

    use agents::serde_json;

    use super::*;
    use crate::card::MAX_DESCRIPTION;
    use crate::{Board, Columns, NewCard};

    /// The maximum length of a line in bytes. In JSON a byte of a text may be an escape of six.
    const MAX_LINE: usize = 8 * MAX_DESCRIPTION;
    /// The number of lines that are added in one turn: clients get one state for all of them.
    const LINES_A_TURN: usize = 50;
    const MAX_PROBLEMS: usize = 20;

    impl Board {
        /// Adds the cards of a file. Each turn is stored by itself, so other handlers run in between.
        pub(crate) async fn import_file(
            cx: &Context<Self>,
            who: &str,
            out: &StreamingResponse<Progress>,
            file: i64,
        ) -> Result<Imported> {
            let size: Option<u64> = sql!(cx, "SELECT size FROM files WHERE id = {file} AND complete")?;
            let size = size.ok_or_else(|| crate::file::no_file(file))?;
            let mut imported = Imported::default();
            let mut lines = Lines::default();
            let mut read = 0;
            let mut number = 0;
            loop {
                let part = Self::part(cx, file, number)?;
                read += part.as_ref().map_or(0, Vec::len) as u64;
                let last = part.is_none();
                let ready = lines.split(part);
                for lines in ready.chunks(LINES_A_TURN) {
                    // The turn ends here, so that other members can work during a long import.
                    tokio::task::yield_now().await;
                    out.ready().await;
                    cx.update_state(|board| {
                        for (line, text) in lines {
                            imported.line(*line, text.add(cx, board, who));
                        }
                    })?;
                    out.send(Progress { added: imported.added, read, size })?;
                }
                if last {
                    return Ok(imported);
                }
                number += 1;
            }
        }
    }

    impl Imported {
        fn line(&mut self, line: u64, added: Result<()>) {
            let Err(error) = added else {
                self.added += 1;
                return;
            };
            self.skipped += 1;
            if self.problems.len() < MAX_PROBLEMS {
                let message = error.client_message().unwrap_or("the card could not be stored").to_owned();
                self.problems.push(Problem { line, message });
            }
        }
    }

    /// A line of a file.
    enum Line {
        Text(Vec<u8>),
        TooLong,
    }

    impl Line {
        fn add(&self, cx: &Context<Board>, board: &mut Columns, who: &str) -> Result<()> {
            let Self::Text(text) = self else { return Err(Error::too_large("the line is too long")) };
            let card: NewCard =
                serde_json::from_slice(text).map_err(|error| Error::invalid(format!("no card: {error}")))?;
            Board::add(cx, board, who, card).map(drop)
        }
    }

    /// Splits the parts of a file into lines.
    #[derive(Default)]
    struct Lines {
        /// The number of lines so far.
        count: u64,
        /// The begin of a line whose end is in a later part.
        rest: Vec<u8>,
        /// `true` if the begin was dropped, because the line is too long.
        too_long: bool,
    }

    impl Lines {
        /// Returns the lines that end in this part, with their numbers and without empty ones. `None` is the end of
        /// the file.
        fn split(&mut self, part: Option<Vec<u8>>) -> Vec<(u64, Line)> {
            let mut ready = Vec::new();
            let Some(part) = part else {
                self.end_line(&mut ready);
                return ready;
            };
            for piece in part.split_inclusive(|byte| *byte == b'\n') {
                let (text, ends) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
                if self.rest.len() + text.len() > MAX_LINE {
                    self.too_long = true;
                    self.rest.clear();
                } else if !self.too_long {
                    self.rest.extend_from_slice(text);
                }
                if ends {
                    self.end_line(&mut ready);
                }
            }
            ready
        }

        fn end_line(&mut self, ready: &mut Vec<(u64, Line)>) {
            self.count += 1;
            let text = take(&mut self.rest);
            match take(&mut self.too_long) {
                true => ready.push((self.count, Line::TooLong)),
                false if text.trim_ascii().is_empty() => {}
                false => ready.push((self.count, Line::Text(text))),
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn lines_are_found_over_the_ends_of_parts() {
            let long = "x".repeat(MAX_LINE + 1);
            let text = format!("one\n\n two\n{long}\nfour");
            for size in [1, 3, 7, text.len()] {
                let mut lines = Lines::default();
                let parts = text.as_bytes().chunks(size).map(|part| Some(part.to_vec()));
                let found: Vec<_> = parts.chain([None]).flat_map(|part| lines.split(part)).collect();
                let found: Vec<_> = found
                    .iter()
                    .map(|(line, text)| match text {
                        Line::Text(text) => (*line, str::from_utf8(text).unwrap()),
                        Line::TooLong => (*line, "too long"),
                    })
                    .collect();
                assert_eq!(found, [(1, "one"), (3, " two"), (4, "too long"), (5, "four")], "{size}");
            }
        }
    }
}
