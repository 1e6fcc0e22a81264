//! TypeScript for the classes of a host: one module with their types, and a client beside it.

mod class;
mod client;
mod interface;
mod keys;
mod metadata;
mod module;
mod names;
mod optional;
mod states;
mod text;

pub(crate) use class::Class;
pub use module::TypeScript;
pub(crate) use states::StateRecord;
