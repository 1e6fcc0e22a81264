//! Checks of documents against the repository.

mod architecture;
mod compatibility;
mod decisions;
mod glossary;
mod limits;
mod links;
mod logging;
mod pages;
mod support;
