//! Roles that change while the connection is open.

use agents::prelude::*;

const SEATS: usize = 4;

#[wire]
#[derive(Clone, Default)]
pub(crate) struct Game {
    players: Vec<String>,
}

#[wire]
pub(crate) struct Permissions {
    can_edit: bool,
}

#[wire]
pub(crate) struct MyPermissions {
    can_edit: bool,
    connection_id: String,
}

#[wire]
pub(crate) struct Mode {
    mode: String,
}

#[wire]
pub(crate) struct Upgrade {
    success: bool,
}

/// A game with four seats and any number of spectators.
#[agent(state = Game)]
#[derive(Default)]
pub(crate) struct TestGame;

#[agent]
impl TestGame {
    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        matches!(req.query("role").as_deref(), Some("viewer" | "guest"))
    }

    #[callable]
    fn get_permissions(&self, conn: &Connection<Self>) -> Permissions {
        Permissions { can_edit: !conn.is_readonly() }
    }

    #[callable]
    fn get_my_permissions(&self, conn: Option<&Connection<Self>>) -> Option<MyPermissions> {
        conn.map(|conn| MyPermissions { can_edit: !conn.is_readonly(), connection_id: conn.id().to_owned() })
    }

    #[callable]
    fn start_spectating(&self, conn: &Connection<Self>) -> Result<Mode> {
        conn.set_readonly(true)?;
        Ok(Mode { mode: "spectator".to_owned() })
    }

    #[callable]
    fn join_as_player(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<Mode> {
        let state = cx.state()?;
        let seated = state.players.iter().any(|id| id == conn.id());
        if !seated && state.players.len() >= SEATS {
            return Err(Error::msg("Game is full"));
        }
        conn.set_readonly(false)?;
        if !seated {
            cx.update_state(|game| game.players.push(conn.id().to_owned()))?;
        }
        Ok(Mode { mode: "player".to_owned() })
    }

    #[callable]
    fn upgrade_to_editor(&self, conn: &Connection<Self>, secret: String) -> Result<Upgrade> {
        if secret != "let me in" {
            return Err(Error::msg("Insufficient permissions"));
        }
        conn.set_readonly(false)?;
        Ok(Upgrade { success: true })
    }

    #[callable]
    fn set_players(&self, cx: &Context<Self>, players: Vec<String>) -> Result<()> {
        cx.set_state(Game { players })
    }
}
