//! TypeScript for the classes of a host: one module with their types.

mod class;
mod interface;
mod metadata;
mod module;
mod names;
mod text;

pub(crate) use class::Class;
pub use module::TypeScript;
