//! Checks of documents against the repository.

mod architecture;
mod compatibility;
mod decisions;
mod glossary;
mod links;
mod pages;
mod support;
