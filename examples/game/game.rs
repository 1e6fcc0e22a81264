//! The agent: a board, its four seats, and the rights of its clients.

use agents::prelude::*;

const SEATS: usize = 4;
const CELLS: usize = 36;

/// The game that all clients see.
#[wire]
#[derive(Clone)]
pub(crate) struct Game {
    players: Vec<Player>,
    /// The id of the player that owns each cell. A free cell has none.
    cells: Vec<Option<String>>,
}

impl Default for Game {
    fn default() -> Self {
        Self { players: Vec::new(), cells: vec![None; CELLS] }
    }
}

/// A player with a seat. The id is that of the connection, which a client keeps over reconnects.
#[wire]
#[derive(Clone)]
struct Player {
    id: String,
    name: String,
}

/// The state that the game keeps for one connection.
#[wire]
#[derive(Clone)]
pub(crate) struct Guest {
    name: String,
}

#[wire]
struct Mode {
    mode: String,
}

/// The rights of the caller.
#[wire]
struct Permissions {
    can_edit: bool,
    connection_id: String,
}

/// A board for four.
#[agent(state = Game, connection = Guest)]
#[derive(Default)]
pub(crate) struct BoardGame;

#[agent]
impl BoardGame {
    #[hook]
    fn authorize(&self, req: &ConnectRequest) -> Result<Guest, Refusal> {
        let name = req.query("name").unwrap_or_default().trim().to_owned();
        if name.is_empty() || name.chars().count() > 20 {
            return Err(Refusal::unauthorized("a name of 1 to 20 characters is required"));
        }
        Ok(Guest { name })
    }

    /// Makes each client a spectator, except for a player that returns to its seat.
    #[hook]
    fn should_connection_be_readonly(&self, cx: &View<Self>, conn: &Connection<Self>) -> Result<bool> {
        Ok(!cx.state()?.players.iter().any(|player| player.id == conn.id()))
    }

    /// Frees the seat of a player that closes its connection. A player whose connection was lost keeps the
    /// seat until another client takes it.
    #[hook]
    fn on_close(&self, cx: &Context<Self>, conn: &Connection<Self>, close: Close) -> Result<()> {
        if close.code == 1000 { self.leave(cx, conn.id()) } else { Ok(()) }
    }

    /// Rejects pushes of a whole state: only moves change the state.
    #[hook]
    fn validate_state_change(&self, _next: &Game, source: &StateSource<Self>) -> Result<()> {
        if source.is_client() {
            return Err(Error::msg("only moves change a game"));
        }
        Ok(())
    }

    /// Takes a seat, if one is free.
    #[callable]
    fn join_as_player(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<Mode> {
        let mut players = cx.state()?.players.clone();
        if players.iter().all(|player| player.id != conn.id()) {
            if players.len() >= SEATS {
                players.retain(|player| cx.connection(&player.id).is_some());
            }
            if players.len() >= SEATS {
                return Err(Error::msg("Game is full"));
            }
            players.push(Player { id: conn.id().to_owned(), name: conn.state()?.name.clone() });
        }
        conn.set_readonly(false)?;
        cx.update_state(|game| game.players = players)?;
        Ok(Mode { mode: "player".to_owned() })
    }

    /// Frees the seat; the caller becomes a spectator.
    #[callable]
    fn start_spectating(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<Mode> {
        // The order matters: once the connection is read-only, the call can no longer change the state.
        if !conn.is_readonly() {
            self.leave(cx, conn.id())?;
        }
        conn.set_readonly(true)?;
        Ok(Mode { mode: "spectator".to_owned() })
    }

    /// Returns the rights of the caller. A call without a connection has none.
    #[callable]
    fn get_my_permissions(&self, conn: Option<&Connection<Self>>) -> Option<Permissions> {
        conn.map(|conn| Permissions { can_edit: !conn.is_readonly(), connection_id: conn.id().to_owned() })
    }

    /// Takes a free cell. The call of a spectator fails at the state change.
    #[callable]
    fn claim(&self, cx: &Context<Self>, conn: &Connection<Self>, cell: usize) -> Result<()> {
        match cx.state()?.cells.get(cell) {
            Some(None) => cx.update_state(|game| game.cells[cell] = Some(conn.id().to_owned())),
            Some(Some(_)) => Err(Error::msg("this cell is taken")),
            None => Err(Error::msg("there is no such cell")),
        }
    }

    /// Clears the board, for players.
    #[callable(write)]
    fn restart(&self, cx: &Context<Self>) -> Result<()> {
        cx.update_state(|game| game.cells = vec![None; CELLS])
    }

    fn leave(&self, cx: &Context<Self>, id: &str) -> Result<()> {
        cx.update_state(|game| {
            game.players.retain(|player| player.id != id);
            for cell in &mut game.cells {
                if cell.as_deref() == Some(id) {
                    *cell = None;
                }
            }
        })
    }
}
