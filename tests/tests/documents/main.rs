//! Documents that say something of the repository, held against it.

mod architecture;
mod compatibility;
mod decisions;
mod glossary;
mod limits;
mod links;
mod pages;
mod support;
