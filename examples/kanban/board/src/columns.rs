//! The columns of a board, with their cards in order.

use agents::prelude::*;

use crate::Card;

/// The maximum number of columns of a board.
#[cfg(feature = "server")]
const MAX_COLUMNS: usize = 20;
/// The maximum number of cards of a board. All clients hold all cards, so the state stays below 1 MiB.
#[cfg(feature = "server")]
const MAX_CARDS: usize = 2_000;

/// A column.
#[wire]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The title, which no other column of the board has.
    pub title: String,
    /// The cards, from top to bottom.
    pub cards: Vec<Card>,
}

/// The state of a board, which every client of it follows.
#[wire]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The columns, from left to right.
    pub columns: Vec<Column>,
}

impl Default for Columns {
    fn default() -> Self {
        let column = |title: &str| Column { title: title.to_owned(), cards: Vec::new() };
        Self { columns: ["To do", "Doing", "Done"].map(column).into() }
    }
}

impl Columns {
    /// Returns the card with this number, and the title of its column.
    pub fn find(&self, id: i64) -> Option<(&str, &Card)> {
        let cards =
            self.columns.iter().flat_map(|column| column.cards.iter().map(|card| (&*column.title, card)));
        cards.into_iter().find(|(_, card)| card.id == id)
    }
}

#[cfg(feature = "server")]
impl Columns {
    /// Returns the number of cards.
    pub(crate) fn count(&self) -> usize {
        self.columns.iter().map(|column| column.cards.len()).sum()
    }

    /// Returns the column with this title.
    pub(crate) fn column(&mut self, title: &str) -> Result<&mut Column> {
        let found = self.columns.iter_mut().find(|column| column.title == title);
        found.ok_or_else(|| Error::not_found(format!("there is no column `{title}`")))
    }

    /// Adds a column at the right.
    pub(crate) fn add_column(&mut self, title: &str) -> Result<()> {
        if self.column(title).is_ok() {
            return Err(Error::conflict(format!("there is a column `{title}`")));
        }
        if self.columns.len() >= MAX_COLUMNS {
            return Err(Error::too_many("a board has at most 20 columns"));
        }
        self.columns.push(Column { title: title.to_owned(), cards: Vec::new() });
        Ok(())
    }

    /// Removes an empty column.
    pub(crate) fn remove_column(&mut self, title: &str) -> Result<()> {
        if !self.column(title)?.cards.is_empty() {
            return Err(Error::conflict(format!("the column `{title}` has cards")));
        }
        self.columns.retain(|column| column.title != title);
        Ok(())
    }

    /// Returns the card with this number, for a change.
    pub(crate) fn card(&mut self, id: i64) -> Result<&mut Card> {
        let cards = self.columns.iter_mut().flat_map(|column| &mut column.cards);
        cards.into_iter().find(|card| card.id == id).ok_or_else(|| no_card(id))
    }

    /// Checks whether a card can be put into a column.
    pub(crate) fn check_room(&mut self, column: &str) -> Result<()> {
        if self.count() >= MAX_CARDS {
            return Err(Error::too_many("a board has at most 2,000 cards"));
        }
        self.column(column).map(drop)
    }

    /// Puts a card above the card `before`, or at the end of the column.
    ///
    /// The place is named by a neighbour and not by a position: positions are other ones when another client has
    /// changed the column meanwhile.
    pub(crate) fn insert(&mut self, card: Card, column: &str, before: Option<i64>) -> Result<()> {
        self.check_room(column)?;
        let cards = &mut self.column(column)?.cards;
        let at = before.and_then(|before| cards.iter().position(|card| card.id == before));
        cards.insert(at.unwrap_or(cards.len()), card);
        Ok(())
    }

    /// Takes a card off the board.
    pub(crate) fn take(&mut self, id: i64) -> Result<Card> {
        for Column { cards, .. } in &mut self.columns {
            if let Some(at) = cards.iter().position(|card| card.id == id) {
                return Ok(cards.remove(at));
            }
        }
        Err(no_card(id))
    }
}

/// The error for a card that is not on the board.
#[cfg(feature = "server")]
pub(crate) fn no_card(id: i64) -> Error {
    Error::not_found(format!("there is no card {id}"))
}
