//! Checks of documents against the repository.

mod architecture;
mod compatibility;
mod decisions;
mod errors;
mod glossary;
mod limits;
mod links;
mod pages;
mod support;
