//! Methods that clients call.

use proc_macro2::Ident;
use syn::{Attribute, ImplItemFn, ReturnType, Type};

use super::parameter::{self, Injected, Parameter};
use super::types;
use crate::attr::callable::CallableOptions;
use crate::attr::{self, Docs};
use crate::errors::Errors;
use crate::names;

/// A method with `#[callable]`.
pub(crate) struct Callable {
    pub(crate) ident: Ident,
    /// The name that clients use.
    pub(crate) name: String,
    pub(crate) docs: Docs,
    pub(crate) deprecated: Option<String>,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) options: CallableOptions,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) is_async: bool,
    pub(crate) output: Output,
}

/// The return value of a callable.
pub(crate) enum Output {
    /// One value, or `()`.
    Reply(Option<Box<Type>>),
    /// `impl Stream<Item = T>`, or a `Result` of one.
    Stream(Streamed),
}

/// A stream that a method returns.
pub(crate) struct Streamed {
    pub(crate) item: Box<Type>,
    /// `true` if the stream is in a `Result`.
    pub(crate) fallible: bool,
}

impl Callable {
    /// Reads a method; returns `None` after all mistakes are reported.
    pub(crate) fn parse(method: &ImplItemFn, attr: &Attribute, errors: &mut Errors) -> Option<Self> {
        let sig = &method.sig;
        let options = CallableOptions::parse(attr, errors);
        // One mistake gives one message: the types of a generic method are not checked.
        let mut sound = parameter::plain_function(sig, "a callable", errors);
        let mut parameters = Vec::new();
        if sound {
            sound &= parameter::shared_receiver(sig.receiver(), &sig.ident, errors);
            for typed in parameter::typed(sig) {
                match Parameter::parse(typed, errors) {
                    Some(parameter) => parameters.push(parameter),
                    None => sound = false,
                }
            }
            sound &= distinct(&parameters, errors);
        }
        let name = agents_case::camel_case(&names::plain(&sig.ident));
        if name.is_empty() {
            errors.at(&sig.ident, "give the callable a name with letters: clients use it in camel case");
            sound = false;
        } else if let Some(why) = names::taken(&name) {
            errors
                .at(&sig.ident, format!("clients cannot call `{name}`: {why}. Give the method another name"));
            sound = false;
        }
        let output = output(&sig.output, errors)?;
        sound.then(|| Self {
            ident: sig.ident.clone(),
            name,
            docs: attr::docs(&method.attrs),
            deprecated: attr::deprecated(&method.attrs),
            cfgs: attr::cfgs(&method.attrs),
            options,
            parameters,
            is_async: sig.asyncness.is_some(),
            output,
        })
    }

    /// Returns whether the caller receives items before the result.
    pub(crate) fn is_streaming(&self) -> bool {
        matches!(self.output, Output::Stream(_)) || self.stream().is_some()
    }

    /// Returns the `StreamingResponse` that the method takes.
    pub(crate) fn stream(&self) -> Option<&Injected> {
        self.parameters.iter().find_map(|parameter| match parameter {
            Parameter::Injected(injected) if types::is_named(&injected.ty, "StreamingResponse") => {
                Some(injected)
            }
            _ => None,
        })
    }
}

fn output(output: &ReturnType, errors: &mut Errors) -> Option<Output> {
    let ReturnType::Type(_, ty) = output else { return Some(Output::Reply(None)) };
    let is_result = types::is_named(ty, "Result");
    let value = types::first_argument(ty).filter(|_| is_result).unwrap_or(ty);
    if types::is_stream(value) {
        let item = types::stream_item(value).filter(|item| types::opaque(item).is_none());
        let Some(item) = item else {
            errors.at(
                value,
                "name the type of the items, `impl Stream<Item = T>`: clients need to know this type",
            );
            return None;
        };
        return Some(Output::Stream(Streamed { item: Box::new(item.clone()), fallible: is_result }));
    }
    if let Some(opaque) = types::opaque(ty) {
        errors.at(opaque, "a callable returns a value with a name, or `impl Stream<Item = T>`");
        return None;
    }
    if let Some(borrow) = types::short_borrow(value) {
        errors.at(
            borrow,
            "a result cannot borrow from the agent: return `String`, `Vec`, `&'static str` or a type without lifetimes",
        );
        return None;
    }
    Some(Output::Reply(Some(ty.clone())))
}

/// Checks that no two arguments have the same name for clients.
fn distinct(parameters: &[Parameter], errors: &mut Errors) -> bool {
    let mut seen: Vec<(String, &Ident)> = Vec::new();
    for parameter in parameters {
        let Parameter::Argument(argument) = parameter else { continue };
        let name = agents_case::camel_case(&names::plain(&argument.ident));
        if let Some((_, first)) =
            seen.iter().find(|(other, other_ident)| *other == name && **other_ident != argument.ident)
        {
            let message = format!("clients see this argument as `{name}`, and `{first}` too: rename one");
            errors.at(&argument.ident, message);
            return false;
        }
        seen.push((name, &argument.ident));
    }
    true
}
