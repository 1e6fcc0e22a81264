//! Files, in the database of their board: a copy of the board is a copy of its files.
//!
//! A file is stored in parts, one a turn, so neither an upload nor a download has the whole file in memory.

use agents::prelude::*;

/// A file on a card.
#[wire]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// The number of the file; `GET /agents/board/NAME/files/ID` returns its bytes.
    pub id: i64,
    /// The name that the file was uploaded with.
    pub name: String,
    /// The size in bytes.
    pub size: u64,
}

#[cfg(feature = "server")]
mod server {

    use agents::axum::body::Body;
    use agents::axum::response::IntoResponse;
    use agents::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
    use agents::object::RequestBody;
    use agents::wire::name::escape;
    use futures_util::stream::try_unfold;

    use super::*;
    use crate::Board;

    /// The maximum size of a file in bytes.
    const MAX_FILE: u64 = 8 * 1024 * 1024;
    /// The maximum size of all files of a board in bytes, with those on their way.
    const MAX_FILES: u64 = 64 * 1024 * 1024;
    /// The maximum length of the name of a file in bytes.
    const MAX_NAME: usize = 200;
    /// The time in milliseconds that a file waits for its import.
    const IMPORT_WAITS: u64 = 60 * 60 * 1000;
    /// The size of a stored part in bytes.
    const PART: usize = 256 * 1024;

    impl Board {
        /// Stores a body as a file, of a card or for an import.
        pub(crate) async fn store_file(
            cx: &Context<Self>,
            card: Option<i64>,
            name: &str,
            mut body: RequestBody,
        ) -> Result<FileInfo> {
            if name.is_empty() || name.len() > MAX_NAME {
                return Err(Error::invalid("the name of a file has 1 to 200 bytes"));
            }
            if let Some(card) = card.filter(|card| cx.state().is_ok_and(|board| board.find(*card).is_none()))
            {
                return Err(crate::columns::no_card(card));
            }
            let at = cx.now();
            let id = sql!(
                cx,
                "INSERT INTO files (card, name, size, at) VALUES ({card}, {name}, 0, {at}) RETURNING id"
            )?;
            let stored =
                Self::store_parts(cx, id, &mut body).await.and_then(|()| Self::complete_file(cx, id));
            if stored.is_err() {
                // Parts that other turns have stored stay until they are deleted.
                sql!(cx, "DELETE FROM files WHERE id = {id}")?;
            }
            stored
        }

        async fn store_parts(cx: &Context<Self>, id: i64, body: &mut RequestBody) -> Result<()> {
            let mut part = Vec::new();
            for number in 0.. {
                let mut more = true;
                while part.len() < PART && more {
                    match body.chunk().await? {
                        Some(chunk) => part.extend_from_slice(&chunk),
                        None => more = false,
                    }
                }
                let read = part.len() as u64;
                let size: Option<u64> =
                    sql!(cx, "UPDATE files SET size = size + {read} WHERE id = {id} RETURNING size")?;
                let size = size.ok_or_else(|| Error::conflict("the file was removed meanwhile"))?;
                let all: u64 = sql!(cx, "SELECT sum(size) FROM files")?;
                if size > MAX_FILE {
                    return Err(Error::too_large("a file has at most 8 MiB"));
                }
                if all > MAX_FILES {
                    return Err(Error::too_large("the files of a board have at most 64 MiB"));
                }
                sql!(cx, "INSERT INTO parts (file, number, bytes) VALUES ({id}, {number}, {part})")?;
                part.clear();
                if !more {
                    break;
                }
            }
            Ok(())
        }

        fn complete_file(cx: &Context<Self>, id: i64) -> Result<FileInfo> {
            let file: Option<FileInfo> =
                sql!(cx, "UPDATE files SET complete = 1 WHERE id = {id} RETURNING id, name, size")?;
            let file = file.ok_or_else(|| Error::conflict("the file was removed meanwhile"))?;
            Self::count_files(cx, id)?;
            Ok(file)
        }

        /// Returns a response with the bytes of a file, read as the client takes them.
        pub(crate) fn send_file(cx: &Context<Self>, id: i64) -> Result<Response> {
            let file: Option<FileInfo> =
                sql!(cx, "SELECT id, name, size FROM files WHERE id = {id} AND complete")?;
            let FileInfo { name, size, .. } = file.ok_or_else(|| no_file(id))?;
            let parts = try_unfold((cx.clone(), 0), move |(cx, number)| async move {
                let part = Self::part(&cx, id, number)?;
                Ok::<_, Error>(part.map(|part| (part, (cx, number + 1))))
            });
            // The bytes are those of any member, so no browser may show them as a page of this site.
            let head = [
                (CONTENT_TYPE, "application/octet-stream".to_owned()),
                (CONTENT_LENGTH, size.to_string()),
                (CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{}", escape(&name))),
                (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            ];
            Ok((head, Body::from_stream(parts)).into_response())
        }

        /// Returns a part of a file; `None` after the last one.
        pub(crate) fn part(cx: &Context<Self>, file: i64, number: i64) -> Result<Option<Vec<u8>>> {
            let part: Option<(Vec<u8>,)> =
                sql!(cx, "SELECT bytes FROM parts WHERE file = {file} AND number = {number}")?;
            Ok(part.map(|(bytes,)| bytes))
        }

        /// Deletes a file, and returns its card and its name.
        pub(crate) fn delete_file(cx: &Context<Self>, id: i64) -> Result<(Option<i64>, String)> {
            let deleted: Option<(Option<i64>, String)> =
                sql!(cx, "SELECT card, name FROM files WHERE id = {id} AND complete")?;
            let (card, name) = deleted.ok_or_else(|| no_file(id))?;
            sql!(cx, "UPDATE files SET complete = 0 WHERE id = {id}")?;
            Self::count_files(cx, id)?;
            sql!(cx, "DELETE FROM files WHERE id = {id}")?;
            Ok((card, name))
        }

        /// Deletes files that a crash has cut off, and files for an import that did not come.
        pub(crate) fn delete_leftovers(cx: &Context<Self>) -> Result<()> {
            let old = cx.now().saturating_sub(IMPORT_WAITS);
            sql!(cx, "DELETE FROM files WHERE NOT complete OR (card IS NULL AND at < {old})")?;
            Ok(())
        }

        /// Writes the number of files of a card into the state.
        fn count_files(cx: &Context<Self>, file: i64) -> Result<()> {
            let card: Option<i64> =
                sql!(cx, "SELECT card FROM files WHERE id = {file} AND card IS NOT NULL")?;
            let Some(card) = card else { return Ok(()) };
            let files = sql!(cx, "SELECT count(*) FROM files WHERE card = {card} AND complete")?;
            cx.update_state(|board| board.card(card).map(|card| card.files = files))
        }
    }

    /// The error for a file that is not there.
    pub(crate) fn no_file(id: i64) -> Error {
        Error::not_found(format!("there is no file {id}"))
    }
}

#[cfg(feature = "server")]
pub(crate) use server::no_file;
