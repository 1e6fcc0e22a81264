//! The members of a board and their roles.

use agents::prelude::*;

/// The role of a member.
#[wire]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Changes cards and columns, invites members, and reads the audit.
    Owner,
    /// Changes cards and columns.
    Editor,
    /// Reads.
    Viewer,
}

impl Role {
    /// Returns whether the role may change the board.
    pub fn may_write(self) -> bool {
        self != Self::Viewer
    }
}

/// A member of a board. The board also keeps this value for each of the member's connections.
#[wire]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name of the user.
    pub name: String,
    /// The role of the user on this board.
    pub role: Role,
}
