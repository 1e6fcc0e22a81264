//! A kanban board for a team: the server that runs it, and the types for every client of it.
//!
//! With the feature `server`, which is on by default, the crate has the agents and their program. Without it, the
//! crate has the types and the calls that a client needs.

mod audit;
mod board;
mod card;
mod columns;
mod file;
mod import;
mod lobby;
#[cfg(feature = "server")]
mod login;
mod member;
#[cfg(feature = "server")]
mod program;

pub use audit::{Change, Entry};
pub use board::Board;
pub use card::{Card, CardDetails, NewCard};
pub use columns::{Column, Columns};
pub use file::FileInfo;
pub use import::{Imported, Problem, Progress};
pub use lobby::{Boards, Listed, Lobby};
pub use member::{Member, Role};
#[cfg(feature = "server")]
pub use program::{Settings, agents};
