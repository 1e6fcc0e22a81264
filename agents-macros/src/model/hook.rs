//! Methods that the runtime calls.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Attribute, ImplItemFn, Meta, PatType, ReceiverKind, ReturnType, Type, TypeReference};

use super::hook_rule::{self, Gives, Payload, Presence, Rule};
use super::parameter::{self, Injected};
use super::types;
use crate::attr;
use crate::errors::Errors;
use crate::names;

/// A method with `#[hook]`.
pub(crate) struct Hook {
    pub(crate) ident: Ident,
    pub(crate) rule: &'static Rule,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) parameters: Vec<HookParameter>,
    pub(crate) is_async: bool,
    pub(crate) output: Option<Type>,
}

/// The source of a hook's parameter.
pub(crate) enum HookParameter {
    /// `&Context<Self>` and the like.
    Injected(Injected),
    /// The event, owned.
    Payload(Type),
    /// The request of `on_request`, or a value that is extracted from it.
    Extracted(Type),
    /// `&str` of `has_right`, with its `&`.
    Right(Type),
    /// `&State` of `validate_state_change`, with its `&`.
    NextState(Type),
    /// `&StateSource<Self>` of `validate_state_change`, with its `&`.
    Source(Type),
    /// `u32` of `migrate`: the version of the stored state.
    FromVersion(Type),
    /// `serde_json::Value` of `migrate`: the stored state.
    OldState(Type),
}

impl Hook {
    /// Reads a method; returns `None` after all mistakes are reported.
    pub(crate) fn parse(method: &ImplItemFn, attr: &Attribute, errors: &mut Errors) -> Option<Self> {
        let sig = &method.sig;
        if !matches!(attr.meta, Meta::Path(_)) {
            errors.at(attr, "`#[hook]` has no options: the name of the method selects the hook");
        }
        let name = names::plain(&sig.ident);
        let Some(rule) = hook_rule::rule(&name) else {
            errors.at(&sig.ident, unknown(&name));
            return None;
        };
        if !parameter::plain_function(sig, "a hook", errors) {
            return None;
        }
        let mut sound = receiver(sig, rule, errors);
        let hurries = match &rule.payload {
            Payload::NextState => Some("decides inside the change"),
            Payload::OldState => Some("runs in the turn of the start"),
            _ => None,
        };
        if let (Some(keyword), Some(hurries)) = (&sig.asyncness, hurries) {
            errors.at(keyword, format!("`{name}` {hurries} and cannot wait: leave `async` out"));
            sound = false;
        }
        let parameters = Parameters::parse(method, rule, errors);
        sound &= parameters.is_some();
        let output = match &sig.output {
            ReturnType::Type(_, ty) => Some((**ty).clone()),
            ReturnType::Default => None,
        };
        sound &= returns(output.as_ref(), &sig.ident, rule, errors);
        Some(Self {
            ident: sig.ident.clone(),
            rule,
            cfgs: attr::cfgs(&method.attrs),
            parameters: parameters?,
            is_async: sig.asyncness.is_some(),
            output,
        })
        .filter(|_| sound)
    }
}

fn unknown(name: &str) -> String {
    let meant = names::nearest(name, hook_rule::names())
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    format!("there is no hook `{name}`{meant}\nthe hooks are {}", names::list(hook_rule::names()))
}

/// Returns the end of a message: the signature that is allowed.
fn signature(rule: &Rule) -> String {
    format!("\nthe whole signature is\n    {}\nleave out the references you do not need", rule.signature)
}

fn receiver(sig: &syn::Signature, rule: &Rule, errors: &mut Errors) -> bool {
    let exclusive = matches!(
        sig.receiver().map(|receiver| &receiver.kind),
        Some(ReceiverKind::Reference(_, None, Some(_)))
    );
    // `on_start` alone runs before any other handler can see the agent.
    if exclusive && rule.name == "on_start" {
        return true;
    }
    parameter::shared_receiver(sig.receiver(), &sig.ident, errors)
}

struct Parameters<'r> {
    rule: &'r Rule,
    read: Vec<HookParameter>,
    payload: bool,
    next_state: bool,
    source: bool,
    version: bool,
}

impl<'r> Parameters<'r> {
    fn parse(method: &ImplItemFn, rule: &'r Rule, errors: &mut Errors) -> Option<Vec<HookParameter>> {
        let mut parameters =
            Self { rule, read: Vec::new(), payload: false, next_state: false, source: false, version: false };
        let mut sound = true;
        for typed in parameter::typed(&method.sig) {
            if let Err((at, why)) = parameters.read(typed) {
                errors.at(at, why);
                sound = false;
            }
        }
        if sound && let Some(missing) = parameters.missing() {
            errors.at(&method.sig.ident, format!("`{}` needs {missing}{}", rule.name, signature(rule)));
            sound = false;
        }
        sound.then_some(parameters.read)
    }

    fn read(&mut self, typed: &PatType) -> Result<(), (proc_macro2::TokenStream, String)> {
        let at = |tokens: &dyn ToTokens| tokens.to_token_stream();
        if let Some(attr) = typed.attrs.iter().find(|attr| parameter::is_default(attr)) {
            return Err((at(attr), "only arguments of callables have a default".to_owned()));
        }
        let parameter = if let Some(reference) = types::optional_reference(&typed.ty) {
            self.reference(reference, true)
        } else if let Type::Reference(reference) = types::bare(&typed.ty) {
            self.reference(reference, false)
        } else {
            self.owned(&typed.ty)
        };
        self.read.push(parameter.map_err(|why| (at(&typed.ty), why))?);
        Ok(())
    }

    fn reference(&mut self, reference: &TypeReference, optional: bool) -> Result<HookParameter, String> {
        if reference.mutability.is_some() {
            return Err("take it as `&`: values of the runtime are shared with other handlers".to_owned());
        }
        if reference.lifetime.is_some() {
            return Err(
                "leave the lifetime out: values of the runtime live exactly as long as the call".to_owned()
            );
        }
        let ty = &*reference.elem;
        let name = types::last_segment(ty).map(|last| last.ident.to_string()).unwrap_or_default();
        let rule = self.rule;
        let hook = rule.name;
        match rule.payload {
            Payload::NextState => return self.state(reference, &name),
            Payload::Right if name == "Context" => {
                return Err(format!("`{hook}` decides and changes nothing: take `&View<Self>`"));
            }
            Payload::Right if !optional && !parameter::REFERENCES.contains(&&*name) => {
                return self.right(reference);
            }
            _ => {}
        }
        let presence = match name.as_str() {
            "Context" | "View" => Presence::Always,
            "Connection" => rule.connection,
            "ConnectRequest" => rule.request,
            "StreamingResponse" => {
                return Err(format!("`{hook}` has no caller to stream to: only callables stream"));
            }
            _ => return Err(self.not_a_reference(&name)),
        };
        match (presence, name.as_str()) {
            (Presence::Never, "ConnectRequest") if rule.connection != Presence::Never => Err(format!(
                "the request of the upgrade is dropped before `{hook}` runs: store the parts that you need in the connection's state"
            )),
            (Presence::Never, _) if hook == "authorize" => {
                Err("there is no connection before `authorize` admits one: take `&ConnectRequest`".to_owned())
            }
            (Presence::Never, _) => Err(format!("`{hook}` has no `{name}`{}", signature(rule))),
            (Presence::Sometimes, _) if !optional => {
                Err(format!("take `Option<&{name}<Self>>`: `{hook}` does not always come from a connection"))
            }
            _ => Ok(HookParameter::Injected(Injected { ty: ty.clone(), optional })),
        }
    }

    fn not_a_reference(&self, name: &str) -> String {
        match &self.rule.payload {
            Payload::Request => format!(
                "take it owned: `Request`, or a type that axum extracts from one, such as `HeaderMap` or `Json<T>`{}",
                signature(self.rule)
            ),
            Payload::Event { ty, generic, .. } if *ty == name => {
                let brackets = if *generic { "<Self>" } else { "" };
                format!("take it owned: `{ty}{brackets}`")
            }
            _ => format!("`{}` cannot take this reference{}", self.rule.name, signature(self.rule)),
        }
    }

    fn state(&mut self, reference: &TypeReference, name: &str) -> Result<HookParameter, String> {
        let ty = Type::Reference(reference.clone());
        if parameter::REFERENCES.contains(&name) {
            let why =
                "runs inside the change and takes only `&self`, the next state and the source of the change";
            return Err(format!("`{}` {why}{}", self.rule.name, signature(self.rule)));
        }
        if name == "StateSource" && !self.source {
            self.source = true;
            return Ok(HookParameter::Source(ty));
        }
        if self.next_state {
            return Err(format!("this is one argument too many{}", signature(self.rule)));
        }
        self.next_state = true;
        Ok(HookParameter::NextState(ty))
    }

    fn right(&mut self, reference: &TypeReference) -> Result<HookParameter, String> {
        if self.payload {
            return Err(format!("this is one argument too many{}", signature(self.rule)));
        }
        self.payload = true;
        Ok(HookParameter::Right(Type::Reference(reference.clone())))
    }

    fn owned(&mut self, ty: &Type) -> Result<HookParameter, String> {
        let rule = self.rule;
        // A request is extracted like any other value, since `on_request` has one of its own.
        let extracted = matches!(rule.payload, Payload::Request) && types::is_named(ty, "ConnectRequest");
        let named = parameter::REFERENCES.into_iter().find(|name| types::is_named(ty, name));
        if let Some(name) = named.filter(|_| !extracted) {
            return Err(format!("take `&{name}`: values of the runtime are borrowed"));
        }
        match &rule.payload {
            Payload::NextState => {
                Err(format!("take it as `&`: the change is not made yet{}", signature(rule)))
            }
            Payload::Right => Err(format!("take the name of the right as `&str`{}", signature(rule))),
            Payload::Nothing => Err(format!("`{}` takes only references{}", rule.name, signature(rule))),
            Payload::Request => Ok(HookParameter::Extracted(ty.clone())),
            Payload::OldState if !self.version => {
                self.version = true;
                Ok(HookParameter::FromVersion(ty.clone()))
            }
            Payload::OldState if !self.payload => {
                self.payload = true;
                Ok(HookParameter::OldState(ty.clone()))
            }
            _ if self.payload => Err(format!("this is one argument too many{}", signature(rule))),
            _ => {
                self.payload = true;
                Ok(HookParameter::Payload(ty.clone()))
            }
        }
    }

    fn missing(&self) -> Option<String> {
        match &self.rule.payload {
            Payload::Event { ty, generic, required: true } if !self.payload => {
                Some(format!("an argument `{ty}{}`", if *generic { "<Self>" } else { "" }))
            }
            Payload::Right if !self.payload => Some("the name of the right, `right: &str`".to_owned()),
            Payload::OldState if !self.payload => {
                Some("the version and the old state, `from: u32, old: serde_json::Value`".to_owned())
            }
            Payload::NextState if !self.next_state => Some("the next state, `next: &State`".to_owned()),
            _ => None,
        }
    }
}

/// Checks the spelling of the return type; traits check the rest.
fn returns(output: Option<&Type>, method: &Ident, rule: &Rule, errors: &mut Errors) -> bool {
    let nothing = output.is_none_or(types::is_unit);
    let expected = match rule.gives {
        Gives::Done => return true,
        Gives::Admission
            if nothing
                || output.is_some_and(|ty| types::is_named(ty, "bool") || types::is_named(ty, "Option")) =>
        {
            "`Result<(), Refusal>`, or `Result<T, Refusal>` with the connection's first state"
        }
        Gives::Tags if nothing => "tags: `Vec<String>`, an array, an `Option`, or a `Result` of them",
        Gives::Flag if nothing => "`bool` or `Result<bool>`",
        Gives::State if nothing => "the state of this version: `Result<State>`",
        Gives::Http if nothing => {
            "a response: `Response`, anything axum can turn into one, or a `Result` of it"
        }
        _ => return true,
    };
    let message = format!("`{}` returns {expected}", rule.name);
    match output {
        Some(ty) => errors.at(ty, message),
        None => errors.at(method, message),
    }
    false
}
