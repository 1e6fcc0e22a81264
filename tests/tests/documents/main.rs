//! Documents that say something of the repository, held against it.

mod compatibility;
mod support;
