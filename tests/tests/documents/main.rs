//! Checks of documents against the repository.

mod compatibility;
mod decisions;
mod glossary;
mod links;
mod support;
