//! The record of changes: the history that all members read, and the audit for owners.

use agents::prelude::*;

use crate::Role;

/// A change of a board, or an attempt.
#[wire]
#[serde(tag = "type")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The board was made.
    Created,
    /// A column was added.
    ColumnAdded {
        /// The title of the column.
        title: String,
    },
    /// A column was removed.
    ColumnRemoved {
        /// The title of the column.
        title: String,
    },
    /// A card was added.
    CardAdded {
        /// The title of the card.
        title: String,
        /// The title of the column.
        column: String,
    },
    /// The texts of a card were changed.
    CardEdited {
        /// The new title of the card.
        title: String,
    },
    /// A card was moved.
    CardMoved {
        /// The title of the column that the card was in.
        from: String,
        /// The title of the column that the card is in.
        to: String,
    },
    /// A card was removed.
    CardRemoved {
        /// The title of the card.
        title: String,
    },
    /// A file was put on a card.
    FileAdded {
        /// The name of the file.
        name: String,
    },
    /// A file was removed from a card.
    FileRemoved {
        /// The name of the file.
        name: String,
    },
    /// A file of cards was imported.
    Imported {
        /// The number of cards that were added.
        added: u64,
    },
    /// A member was given a role, or lost the board.
    Shared {
        /// The name of the member.
        member: String,
        /// The new role; `null` if the member was removed.
        role: Option<Role>,
    },
    /// An attempt was refused.
    Refused {
        /// The name of the method, or the HTTP method.
        attempt: String,
    },
}

/// An entry of the record.
#[wire]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of the entry: pass the last one of a page to read the next page.
    pub id: i64,
    /// The time in milliseconds since 1970.
    pub at: u64,
    /// The name of the user.
    pub who: String,
    /// The number of the card; `null` if the change concerns no single card.
    pub card: Option<i64>,
    /// The change.
    pub change: Change,
}

#[cfg(feature = "server")]
mod server {
    use super::*;
    use crate::Board;

    /// The maximum number of entries of a page.
    const MAX_PAGE: u32 = 200;

    impl Board {
        /// Writes an entry. It is stored or undone together with the change.
        pub(crate) fn record(cx: &Context<Self>, who: &str, card: Option<i64>, change: Change) -> Result<()> {
            let at = cx.now();
            sql!(cx, "INSERT INTO record (at, who, card, change) VALUES ({at}, {who}, {card}, {change})")?;
            Ok(())
        }

        /// Returns the entries about cards before the entry `before`, newest first.
        pub(crate) fn page_of_history(
            cx: &View<Self>,
            before: Option<i64>,
            limit: u32,
        ) -> Result<Vec<Entry>> {
            let (before, limit) = (before.unwrap_or(i64::MAX), limit.min(MAX_PAGE));
            sql!(
                cx,
                "SELECT id, at, who, card, change FROM record
                 WHERE id < {before} AND card IS NOT NULL ORDER BY id DESC LIMIT {limit}"
            )
        }

        /// Returns all entries before the entry `before`, newest first.
        pub(crate) fn page_of_audit(cx: &View<Self>, before: Option<i64>, limit: u32) -> Result<Vec<Entry>> {
            let (before, limit) = (before.unwrap_or(i64::MAX), limit.min(MAX_PAGE));
            sql!(
                cx,
                "SELECT id, at, who, card, change FROM record WHERE id < {before} ORDER BY id DESC LIMIT {limit}"
            )
        }
    }
}
