//! The boards in the terminal: `cargo run -p kanban-cli -- --user ann list`.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

mod login;
mod show;

use std::path::{Path, PathBuf};

use agents::client::{AgentClient, StreamExt};
use agents::serde_json::Value;
use clap::{Parser, Subcommand};
use kanban::{Board, Lobby, NewCard};

use login::Session;

#[derive(Parser)]
#[command(about = "Boards in the terminal")]
struct Options {
    /// The address of the server.
    #[arg(long, env = "KANBAN_URL", default_value = "http://127.0.0.1:8787")]
    url: String,
    /// The name of the user.
    #[arg(long, env = "KANBAN_USER")]
    user: String,
    #[arg(long, env = "KANBAN_PASSWORD", default_value = "swordfish", hide_env_values = true)]
    password: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lists the boards of the user, or the cards of a board.
    List { board: Option<String> },
    /// Makes a board.
    Create { board: String },
    /// Adds a card to a column, or to the first one.
    Add {
        board: String,
        title: String,
        #[arg(long)]
        column: Option<String>,
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Moves a card into a column: to the end, or above another card.
    Move {
        board: String,
        card: i64,
        column: String,
        #[arg(long)]
        before: Option<i64>,
    },
    /// Adds the cards of a file with one JSON object a line: `{"title":"..","column":"..","description":".."}`.
    Import { board: String, file: PathBuf },
    /// Shows the cards of a board, again after each change.
    Watch { board: String },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> agents::Result<()> {
    let Options { url, user, password, command } = Options::parse();
    let session = Session::log_in(&url, &user, &password).await?;
    match command {
        Command::List { board: None } => {
            let lobby = lobby(&session).await?;
            show::boards(&lobby.state().changed().await?);
        }
        Command::List { board: Some(board) } => {
            let board = open(&session, &board).await?;
            show::columns(&board.state().changed().await?);
        }
        Command::Create { board } => lobby(&session).await?.create(board).await?,
        Command::Add { board, title, column, description } => {
            let card = open(&session, &board).await?.add_card(NewCard { column, title, description }).await?;
            println!("{} {}", card.id, card.title);
        }
        Command::Move { board, card, column, before } => {
            open(&session, &board).await?.move_card(card, column, before).await?;
        }
        Command::Import { board, file } => import(&session, &board, &file).await?,
        Command::Watch { board } => {
            let board = open(&session, &board).await?;
            let mut states = board.state();
            while let Some(state) = states.next().await {
                show::columns(&state?);
            }
        }
    }
    Ok(())
}

/// Connects to the lobby of the user, which the server finds by the cookie.
async fn lobby(session: &Session) -> agents::Result<AgentClient<Lobby>> {
    let builder = AgentClient::<Lobby>::builder(session.url(), "lobby").path("/lobby");
    let lobby = builder.header("cookie", session.cookie()).connect().await?;
    lobby.identity().await?;
    Ok(lobby)
}

/// Connects to a board. A refusal of the board is the error.
async fn open(session: &Session, board: &str) -> agents::Result<AgentClient<Board>> {
    let builder = AgentClient::<Board>::builder(session.url(), board);
    let board = builder.header("cookie", session.cookie()).connect().await?;
    board.identity().await?;
    Ok(board)
}

/// Uploads a file piece by piece, and lets the board add its cards.
async fn import(session: &Session, name: &str, file: &Path) -> agents::Result<()> {
    let board = open(session, name).await?;
    let uploaded: Value = session.upload(name, file).await?;
    let id = uploaded["id"].as_i64().ok_or_else(|| agents::Error::msg("the server did not take the file"))?;
    let mut progress = board.import(id).await?;
    while let Some(progress) = progress.next().await {
        let progress = progress?;
        eprintln!("{} cards, {} of {} bytes", progress.added, progress.read, progress.size);
    }
    show::imported(&progress.result()?);
    Ok(())
}
