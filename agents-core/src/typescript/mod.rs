//! TypeScript for the classes of a host: one module with their types, and a client beside it.

mod class;
mod interface;
mod metadata;
mod module;
mod names;
mod runtime;
mod text;

pub(crate) use class::Class;
pub use module::TypeScript;
