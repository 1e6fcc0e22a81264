//! The description of a class of agents.

use std::any::{TypeId, type_name};

use serde_json::Value;

use crate::agent::{Agent, Callable};
use crate::typescript::states::{StateType, read_state};
use crate::wire::{Describe, TypeName, TypeSet, Wire};

/// A class of agents, without its Rust type.
#[derive(Debug)]
pub(crate) struct Class {
    pub(super) name: &'static str,
    pub(super) rust_name: &'static str,
    /// The name in addresses.
    pub(super) route: String,
    pub(super) docs: &'static str,
    /// The type of the state; `None` if the class names no state, which may then be any JSON.
    pub(super) state: Option<Describe>,
    /// The reading of stored states; `None` as for `state`.
    pub(super) state_type: Option<StateType>,
    /// The callables, sorted by name.
    pub(super) methods: Vec<Method>,
}

/// A callable, without the type of its agent.
#[derive(Debug)]
pub(super) struct Method {
    pub(super) name: &'static str,
    pub(super) docs: &'static str,
    pub(super) deprecated: Option<&'static str>,
    pub(super) write: bool,
    pub(super) require: Option<&'static str>,
    pub(super) streaming: bool,
    arguments: Vec<(&'static str, Describe, bool)>,
    result: Describe,
    items: Option<Describe>,
    ends_by_hand: bool,
}

/// An argument in TypeScript.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) text: String,
    /// `true` if the argument may be omitted: it has a default, and so have all arguments after it.
    pub(super) is_optional: bool,
}

impl Class {
    pub(crate) fn of<A: Agent>() -> Self {
        let mut methods: Vec<_> =
            A::table().callables.iter().filter(|callable| !callable.internal).map(Method::of).collect();
        methods.sort_by_key(|method| method.name);
        let has_state = TypeId::of::<A::State>() != TypeId::of::<Value>();
        Self {
            name: A::CLASS,
            rust_name: type_name::<A>(),
            route: A::ROUTE.to_owned(),
            docs: A::DOCS,
            state: has_state.then_some(<A::State as Wire>::describe as Describe),
            state_type: has_state.then_some(StateType {
                version: A::VERSION,
                converts: A::table().hooks.migrate.is_some(),
                read: read_state::<A::State>,
            }),
            methods,
        }
    }
}

impl Method {
    fn of<A: Agent>(callable: &Callable<A>) -> Self {
        let argument =
            |argument: &crate::agent::Argument| (argument.name, argument.describe, argument.has_default);
        Self {
            name: callable.name,
            docs: callable.docs,
            deprecated: callable.deprecated,
            write: callable.write,
            require: callable.require,
            streaming: callable.streaming,
            arguments: callable.arguments.iter().map(argument).collect(),
            result: callable.result,
            items: callable.items,
            ends_by_hand: callable.ends_by_hand,
        }
    }

    pub(super) fn parameters(&self, types: &mut TypeSet) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        let mut last_are_optional = true;
        for (name, describe, has_default) in self.arguments.iter().rev() {
            let TypeName { mut text, accepts_null, .. } = describe(types);
            if *has_default && !accepts_null {
                text.push_str(" | null");
            }
            last_are_optional &= *has_default || accepts_null;
            parameters.push(Parameter { name, text, is_optional: last_are_optional });
        }
        parameters.reverse();
        parameters
    }

    /// Returns the type of the promise of a call.
    pub(super) fn result(&self, types: &mut TypeSet) -> String {
        let result = (self.result)(types);
        match (result.is_unit, self.ends_by_hand) {
            (false, _) => result.text,
            (true, false) => "void".to_owned(),
            // The method returns nothing, so `StreamingResponse::end` may have sent a value of any type.
            (true, true) => "unknown".to_owned(),
        }
    }

    /// Returns the type of the items of a stream.
    pub(super) fn items(&self, types: &mut TypeSet) -> Option<String> {
        self.items.map(|describe| describe(types).text)
    }
}
