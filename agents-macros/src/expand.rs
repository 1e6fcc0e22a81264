//! One expansion for each attribute: parse, model, render.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, Item};

use crate::errors::Errors;
use crate::model::agent_impl::AgentImpl;
use crate::model::agent_struct::AgentStruct;
use crate::model::neighbours::{self, Module};
use crate::model::wire::WireType;
use crate::render::{self, Side};

/// Expands `#[agent]` on a struct or an `impl`.
pub(crate) fn agent(args: TokenStream, item: TokenStream, side: Side) -> TokenStream {
    let mut errors = Errors::default();
    let expansion = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Struct(item)) => render::types::agent(&AgentStruct::parse(args, item, &mut errors), side),
        Ok(Item::Impl(item)) => {
            let modules = neighbours::here();
            let is_second = neighbours::has_earlier_block(&modules, &item);
            let module = Module::of_block(&modules, &item);
            let mut block = AgentImpl::parse(args, item, &mut errors);
            if let Some(module) = module {
                block.object_to_types(module, &mut errors);
            }
            if is_second && let Some(agent) = block.agent.take() {
                errors.at(
                    &agent,
                    format!(
                        "`{}` has another `#[agent] impl`: put all callables and hooks into one, and helpers into an `impl` without `#[agent]`",
                        agent.to_token_stream()
                    ),
                );
            }
            if !errors.is_empty() {
                block.forget_methods();
            }
            render::dispatch::agent(&block, side)
        }
        Ok(other) => {
            errors.at(
                head(&other),
                format!("`#[agent]` belongs on a struct and on its `impl`, not on {}", kind(&other)),
            );
            item
        }
        Err(error) => unreadable(error, item, &mut errors),
    };
    let errors = errors.to_compile_errors();
    quote!(#expansion #errors)
}

/// Expands `#[wire]` on a struct or an enum.
pub(crate) fn wire(args: TokenStream, item: TokenStream, side: Side) -> TokenStream {
    let mut errors = Errors::default();
    let expansion = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Struct(item)) => render::wire::wire(&WireType::from_struct(args, item, &mut errors), side),
        Ok(Item::Enum(item)) => render::wire::wire(&WireType::from_enum(args, item, &mut errors), side),
        Ok(other) => {
            let why = match &other {
                Item::Union(_) => {
                    "`#[wire]` belongs on a struct or an enum: JSON cannot tell which field of a union is set"
                        .to_owned()
                }
                _ => format!("`#[wire]` belongs on a struct or an enum, not on {}", kind(&other)),
            };
            errors.at(head(&other), why);
            item
        }
        Err(error) => unreadable(error, item, &mut errors),
    };
    let errors = errors.to_compile_errors();
    quote!(#expansion #errors)
}

/// Expands `#[callable]` and `#[hook]` outside of an `#[agent] impl`.
pub(crate) fn misplaced(attribute: &str, item: TokenStream) -> TokenStream {
    let error = Error::new(
        proc_macro2::Span::call_site(),
        format!(
            "`#[{attribute}]` belongs only on methods inside an `#[agent] impl`: put `#[agent]` on the `impl`"
        ),
    )
    .to_compile_error();
    quote!(#item #error)
}

/// Returns half-written code unchanged: the compiler's own parser reports more, and tools still see the item.
fn unreadable(error: Error, item: TokenStream, errors: &mut Errors) -> TokenStream {
    errors.push(error);
    item
}

/// Returns the tokens that name the item, for a message.
fn head(item: &Item) -> TokenStream {
    match item {
        Item::Enum(item) => item.ident.to_token_stream(),
        Item::Fn(item) => item.sig.ident.to_token_stream(),
        Item::Trait(item) => item.ident.to_token_stream(),
        Item::Union(item) => item.ident.to_token_stream(),
        Item::Mod(item) => item.ident.to_token_stream(),
        Item::Type(item) => item.ident.to_token_stream(),
        Item::Struct(item) => item.ident.to_token_stream(),
        Item::Impl(item) => item.self_ty.to_token_stream(),
        other => other.to_token_stream(),
    }
}

fn kind(item: &Item) -> &'static str {
    match item {
        Item::Enum(_) => "an enum",
        Item::Fn(_) => "a function",
        Item::Trait(_) => "a trait",
        Item::Union(_) => "a union",
        Item::Mod(_) => "a module",
        Item::Type(_) => "a type alias",
        Item::Impl(_) => "an `impl`",
        Item::Struct(_) => "a struct",
        _ => "this item",
    }
}

#[cfg(test)]
#[path = "expand_tests/mod.rs"]
mod tests;
