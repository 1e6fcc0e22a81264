//! The list of a user's boards.

use agents::prelude::*;

use crate::Role;

/// A board in the list of a user.
#[wire]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name of the board.
    pub board: String,
    /// The role of the user on this board.
    pub role: Role,
}

/// The state of a lobby.
#[wire]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boards {
    /// The boards of the user, by name.
    pub boards: Vec<Listed>,
}

#[cfg(feature = "server")]
impl Boards {
    /// Puts a board into the list, or takes it out.
    fn list(&mut self, board: &str, role: Option<Role>) {
        self.boards.retain(|listed| listed.board != board);
        self.boards.extend(role.map(|role| Listed { board: board.to_owned(), role }));
        self.boards.sort_by(|one, other| one.board.cmp(&other.board));
    }
}

/// The lobby of one user, at `/lobby`: the host finds the user in the session.
///
/// A state goes to every client of its agent, so a list that only one user may see is an agent of its own.
#[agent(state = Boards)]
#[derive(Debug, Default)]
pub struct Lobby;

#[agent]
impl Lobby {
    #[hook]
    fn validate_state_change(&self, _next: &Boards, source: &StateSource<Self>) -> Result<()> {
        if source.is_client() {
            return Err(Error::invalid("create a board to change the list"));
        }
        Ok(())
    }

    /// Creates a board that belongs to the user.
    #[callable]
    async fn create(&self, cx: &Context<Self>, board: String) -> Result<()> {
        let letters = board.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if board.is_empty() || board.len() > 40 || !letters {
            return Err(Error::invalid("the name of a board has 1 to 40 of a-z, 0-9 and -"));
        }
        // There is no transaction over two agents. A board can be created again by its owner, so after a crash
        // between the two steps the user repeats the call.
        cx.agent::<crate::Board>(&board).create(cx.name().to_owned()).await?;
        cx.update_state(|state| state.list(&board, Some(Role::Owner)))
    }

    /// Returns whether a board is in the list, for the admission to that board.
    #[callable(internal)]
    fn has(&self, cx: &View<Self>, board: String) -> Result<bool> {
        Ok(cx.state()?.boards.iter().any(|listed| listed.board == board))
    }

    /// Called by a board when the role of the user has changed there.
    #[callable(internal)]
    fn listed(&self, cx: &Context<Self>, board: String, role: Option<Role>) -> Result<()> {
        cx.update_state(|state| state.list(&board, role))
    }
}
