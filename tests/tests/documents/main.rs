//! Checks of documents against the repository.

mod architecture;
mod attributes;
mod compatibility;
mod decisions;
mod errors;
mod figures;
mod from_cloudflare;
mod glossary;
mod limits;
mod links;
mod logging;
mod pages;
mod support;
