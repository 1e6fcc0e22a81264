//! The `impl` of an agent.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, Meta, Path, PathArguments, Type};

use super::callable::{Callable, Output};
use super::hook::Hook;
use super::neighbours::{self, Module};
use super::parameter::Parameter;
use super::{hook_rule, parameter, snapshot, types};
use crate::attr::{self, Runtime};
use crate::errors::Errors;
use crate::names;

/// An inherent `impl` with `#[agent]`.
pub(crate) struct AgentImpl {
    /// The `impl` as the user wrote it, without the attributes of this crate.
    pub(crate) item: ItemImpl,
    pub(crate) runtime: Runtime,
    /// The agent's type; `None` if this `impl` cannot have a table.
    pub(crate) agent: Option<Path>,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) callables: Vec<Callable>,
    pub(crate) hooks: Vec<Hook>,
    pub(crate) others: Vec<Other>,
}

/// A method that clients cannot call; its name gives a better error message.
pub(crate) struct Other {
    pub(crate) name: String,
    pub(crate) cfgs: Vec<Attribute>,
}

impl AgentImpl {
    pub(crate) fn parse(args: TokenStream, item: ItemImpl, errors: &mut Errors) -> Self {
        let runtime = attr::agent::parse_on_impl(args, errors);
        let mut block = Self {
            agent: header(&item, errors),
            cfgs: attr::cfgs(&item.attrs),
            item,
            runtime,
            callables: Vec::new(),
            hooks: Vec::new(),
            others: Vec::new(),
        };
        let mut items = std::mem::take(&mut block.item.items);
        for item in &mut items {
            block.item(item, errors);
        }
        block.item.items = items;
        if let Some(second) = block.item.attrs.iter().find(|attr| attr::is(attr, "agent")) {
            errors.at(second, "`#[agent]` is given twice: keep one");
        }
        block.item.attrs.retain(|attr| !attr::is(attr, "agent"));
        block.rights(errors);
        block.others.retain(|other| block.callables.iter().all(|callable| callable.name != other.name));
        block
    }

    /// Checks that a hook decides about rights; without one, every caller would be refused.
    fn rights(&self, errors: &mut Errors) {
        let right = self.callables.iter().find_map(|callable| callable.options.require.as_ref());
        let decides =
            |item: &ImplItem| matches!(item, ImplItem::Fn(method) if method.sig.ident == "has_right");
        if let Some(right) = right
            && !self.item.items.iter().any(decides)
        {
            let rule = hook_rule::rule("has_right").map_or("", |rule| rule.signature);
            errors.at(
                right,
                format!("no hook decides about this right: add the hook\n    #[hook]\n    {rule}\n(`\"writable\"` needs none)"),
            );
        }
    }

    /// Reports each type of an argument or an answer that certainly cannot travel, once.
    pub(crate) fn object_to_types(&self, module: &Module, errors: &mut Errors) {
        let mut reported = Vec::new();
        for callable in self.callables.iter().filter(|callable| callable.cfgs.is_empty()) {
            let arguments = callable.parameters.iter().filter_map(|parameter| match parameter {
                Parameter::Argument(argument) => Some(&argument.ty),
                Parameter::Injected(_) => None,
            });
            let answer = match &callable.output {
                Output::Reply(ty) => ty.as_deref(),
                Output::Stream(stream) => Some(&*stream.item),
            };
            for ty in arguments.chain(answer) {
                neighbours::report(module, ty, &mut reported, errors);
            }
        }
    }

    /// Drops the published methods after a mistake, so that one mistake gives one message.
    pub(crate) fn forget_methods(&mut self) {
        self.callables.clear();
        self.hooks.clear();
        self.others.clear();
    }

    fn item(&mut self, item: &mut ImplItem, errors: &mut Errors) {
        match item {
            ImplItem::Fn(method) => {
                self.method(method, errors);
                strip(method);
                snapshot::report(method, errors);
            }
            ImplItem::Const(item) => not_a_method(&mut item.attrs, errors),
            ImplItem::Type(item) => not_a_method(&mut item.attrs, errors),
            ImplItem::Macro(item) => not_a_method(&mut item.attrs, errors),
            _ => {}
        }
    }

    fn method(&mut self, method: &ImplItemFn, errors: &mut Errors) {
        for mark in method.attrs.iter().filter_map(hidden_mark) {
            let message = format!(
                "`#[{mark}]` cannot be inside `cfg_attr`: put `#[cfg(..)]` on the method, and `#[{mark}]` below it"
            );
            errors.at(mark, message);
        }
        let callable = single(&method.attrs, "callable", errors);
        let hook = single(&method.attrs, "hook", errors);
        match (callable, hook) {
            (Some(callable), Some(_)) => errors.at(
                callable,
                "a method is called by clients or by the runtime: keep `#[callable]` or `#[hook]`, and share a helper",
            ),
            (Some(attr), None) => {
                if let Some(callable) = Callable::parse(method, attr, errors) {
                    self.callable(callable, errors);
                }
            }
            (None, Some(attr)) => {
                if let Some(hook) = Hook::parse(method, attr, errors) {
                    self.hook(hook);
                }
                self.other(method);
            }
            (None, None) => {
                let name = names::plain(&method.sig.ident);
                if hook_rule::rule(&name).is_some() && method.sig.receiver().is_some() {
                    errors.at(
                        &method.sig.ident,
                        format!("`{name}` is a hook, but the runtime never calls it without `#[hook]`: mark or rename it"),
                    );
                }
                self.other(method);
            }
        }
    }

    fn callable(&mut self, callable: Callable, errors: &mut Errors) {
        let clash = self
            .callables
            .iter()
            .find(|other| other.name == callable.name && !alternatives(&other.cfgs, &callable.cfgs));
        match clash {
            None => self.callables.push(callable),
            // The compiler itself reports two functions of one name.
            Some(other) if other.ident == callable.ident => {}
            Some(other) => errors.at(
                &callable.ident,
                format!(
                    "clients see this method as `{}`, and `{}` too: rename one",
                    callable.name, other.ident
                ),
            ),
        }
    }

    fn hook(&mut self, hook: Hook) {
        let twice = self
            .hooks
            .iter()
            .any(|other| other.rule.name == hook.rule.name && !alternatives(&other.cfgs, &hook.cfgs));
        // The compiler itself reports two functions of one name.
        if !twice {
            self.hooks.push(hook);
        }
    }

    fn other(&mut self, method: &ImplItemFn) {
        if method.sig.receiver().is_some() {
            self.others.push(Other {
                name: agents_case::camel_case(&names::plain(&method.sig.ident)),
                cfgs: attr::cfgs(&method.attrs),
            });
        }
    }
}

/// Returns the agent's type, if an `impl` with this header can be published.
fn header(item: &ItemImpl, errors: &mut Errors) -> Option<Path> {
    if let Some((path, _)) = &item.trait_ {
        errors.at(
            path,
            "`#[agent]` belongs on the agent's own `impl`: write `impl ChatRoom { .. }`, without a trait",
        );
        return None;
    }
    if !item.generics.params.is_empty() || item.generics.where_clause.is_some() {
        let generics = match &item.generics.where_clause {
            Some(clause) if item.generics.params.is_empty() => clause.to_token_stream(),
            _ => item.generics.to_token_stream(),
        };
        errors.at(
            generics,
            "an agent is one class with one address: its `impl` cannot be generic. Name the types",
        );
        return None;
    }
    match types::bare(&item.self_ty) {
        Type::Path(path) if path.qself.is_none() => {
            let plain =
                path.path.segments.iter().all(|segment| matches!(segment.arguments, PathArguments::None));
            if !plain {
                errors.at(path, "an agent cannot be generic: leave the angle brackets out");
            }
            plain.then(|| path.path.clone())
        }
        other => {
            errors.at(other, "`#[agent]` belongs on the `impl` of a struct: write its name");
            None
        }
    }
}

/// Returns the one attribute with this name; a second one is reported.
fn single<'a>(attrs: &'a [Attribute], name: &'a str, errors: &mut Errors) -> Option<&'a Attribute> {
    let mut marks = parameter::marked(attrs, name);
    let first = marks.next();
    if let Some(second) = marks.next() {
        errors.at(second, format!("`#[{name}]` is given twice: keep one"));
    }
    first
}

/// Returns whether two methods are never compiled together, and so may share a name.
fn alternatives(left: &[Attribute], right: &[Attribute]) -> bool {
    let text =
        |attrs: &[Attribute]| attrs.iter().map(|attr| attr.to_token_stream().to_string()).collect::<String>();
    !left.is_empty() && !right.is_empty() && text(left) != text(right)
}

/// Returns a mark in `#[cfg_attr(.., callable)]`, which is resolved too late to publish the method.
fn hidden_mark(attr: &Attribute) -> Option<Ident> {
    let Meta::List(list) = &attr.meta else { return None };
    if !attr.path().is_ident("cfg_attr") {
        return None;
    }
    // The attributes follow the first comma.
    let comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    list.tokens.clone().into_iter().skip_while(|token| !comma(token)).find_map(|token| match token {
        TokenTree::Ident(ident) if ident == "callable" || ident == "hook" => Some(ident),
        _ => None,
    })
}

fn not_a_method(attrs: &mut Vec<Attribute>, errors: &mut Errors) {
    for name in ["callable", "hook"] {
        for attr in parameter::marked(attrs, name) {
            errors.at(attr, format!("`#[{name}]` belongs only on methods"));
        }
        attrs.retain(|attr| !attr::is(attr, name));
    }
}

/// Removes the attributes of this crate, and no others.
fn strip(method: &mut ImplItemFn) {
    let marked = method.attrs.iter().any(|attr| attr::is(attr, "callable") || attr::is(attr, "hook"));
    method
        .attrs
        .retain(|attr| !attr::is(attr, "callable") && !attr::is(attr, "hook") && hidden_mark(attr).is_none());
    if marked {
        for input in &mut method.sig.inputs {
            if let FnArg::Typed(typed) = input {
                typed.attrs.retain(|attr| !parameter::is_default(attr));
            }
        }
    }
}
