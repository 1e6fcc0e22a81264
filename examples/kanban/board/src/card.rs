//! Cards.

use agents::prelude::*;

use crate::FileInfo;

/// The maximum length of a title in bytes.
#[cfg(feature = "server")]
const MAX_TITLE: usize = 200;
/// The maximum length of a description in bytes.
#[cfg(feature = "server")]
pub(crate) const MAX_DESCRIPTION: usize = 10_000;

/// A card as the state of its board contains it: what every page shows.
#[wire]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The number of the card, which no other card of the board has or had.
    pub id: i64,
    /// The text on the card.
    pub title: String,
    /// The number of files on the card.
    pub files: u32,
}

/// The parts of a card that a page asks for when the card is opened.
#[wire]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardDetails {
    /// The long text of the card.
    pub description: String,
    /// The files on the card, oldest first.
    pub files: Vec<FileInfo>,
}

/// A card that is to be added: one line of an import.
#[wire]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCard {
    /// The title of the column; the first column if it is absent.
    #[serde(default)]
    pub column: Option<String>,
    /// The text on the card: 1 to 200 bytes.
    pub title: String,
    /// The long text: up to 10,000 bytes.
    #[serde(default)]
    pub description: String,
}

/// Returns a title without the space around it.
#[cfg(feature = "server")]
pub(crate) fn title(text: &str) -> Result<String> {
    match text.trim() {
        "" => Err(Error::invalid("a title is missing")),
        text if text.len() > MAX_TITLE => Err(Error::too_large("a title has at most 200 bytes")),
        text => Ok(text.to_owned()),
    }
}

/// Checks the length of a description.
#[cfg(feature = "server")]
pub(crate) fn check_description(text: &str) -> Result<()> {
    if text.len() > MAX_DESCRIPTION {
        return Err(Error::too_large("a description has at most 10,000 bytes"));
    }
    Ok(())
}
