//! The struct of an agent.

use proc_macro2::TokenStream;
use syn::{GenericParam, ItemStruct};

use crate::attr;
use crate::attr::agent::AgentOptions;
use crate::errors::Errors;
use crate::names;

/// A struct with `#[agent(..)]`.
pub(crate) struct AgentStruct {
    pub(crate) item: ItemStruct,
    pub(crate) options: AgentOptions,
    /// `true` if the types of the agent can be written in the expansion.
    pub(crate) is_plain: bool,
}

impl AgentStruct {
    pub(crate) fn parse(args: TokenStream, mut item: ItemStruct, errors: &mut Errors) -> Self {
        let options = AgentOptions::parse(args, errors);
        let generics = &item.generics;
        if let Some(parameter) = generics.params.first() {
            let message = match parameter {
                GenericParam::Lifetime(_) => {
                    "an agent outlives every borrow: use owned fields, and leave the lifetime out"
                }
                _ => "an agent is one class with one address: it cannot be generic. Name the types",
            };
            errors.at(&generics.params, message);
        } else if let Some(clause) = &generics.where_clause {
            errors.at(clause, "an agent cannot be generic: leave the `where` clause out");
        }
        let class = names::plain(&item.ident);
        if options.name.is_none() && !class.is_ascii() {
            errors.at(
                &item.ident,
                format!("`{class}` cannot be part of an address: give the class a name there, as in `#[agent(name = \"chat-room\")]`"),
            );
        }
        let is_plain = generics.params.is_empty() && generics.where_clause.is_none();
        if let Some(second) = item.attrs.iter().find(|attr| attr::is(attr, "agent")) {
            errors.at(second, "`#[agent]` is given twice: write all options in one");
        }
        item.attrs.retain(|attr| !attr::is(attr, "agent"));
        Self { item, options, is_plain }
    }
}
