//! The built-in method `getCallableMethods`: the callables of a class, for its clients.

use std::marker::PhantomData;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::agent::{AgentDefinition, Call, Callable, Table};
use crate::error::{Error, Result};
use crate::interface::Outcome;
use crate::object::BoxFuture;
use crate::wire::Wire;

/// The name of the method on the wire.
const NAME: &str = "getCallableMethods";

/// The built-in methods of a class.
struct BuiltIn<A>(PhantomData<A>);

impl<A: AgentDefinition> BuiltIn<A> {
    const LIST: &'static Callable<A> = &Callable {
        name: NAME,
        rust_name: "get_callable_methods",
        docs: "",
        deprecated: None,
        write: false,
        require: None,
        exclusive: false,
        internal: false,
        streaming: false,
        arguments: &[],
        result: <Value as Wire>::describe,
        items: None,
        ends_by_hand: false,
        invoke: list,
    };
}

/// Returns a built-in method of a class, unless the class has it switched off.
pub(in crate::agent) fn built_in<A: AgentDefinition>(name: &str) -> Option<&'static Callable<A>> {
    (name == NAME && A::options().callable_methods).then_some(BuiltIn::LIST)
}

fn list<A: AgentDefinition>(call: Call<A>) -> BoxFuture<'static, Result<Outcome>> {
    Box::pin(async move {
        let list = CallableList(call.parts.cx.core.table);
        Ok(Outcome::Value(serde_json::to_string(&list).map_err(Error::not_json)?))
    })
}

/// The callables that clients may call, by name, in the order of the source.
struct CallableList<A: AgentDefinition>(&'static Table<A>);

/// The facts about one callable, in the form of the npm package.
#[derive(Serialize)]
struct Metadata {
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    streaming: bool,
}

impl<A: AgentDefinition> Serialize for CallableList<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let public = self.0.callables.iter().filter(|callable| !callable.internal);
        serializer.collect_map(public.map(|callable| {
            let Callable { name, docs, streaming, .. } = callable;
            (name, Metadata { description: docs, streaming: *streaming })
        }))
    }
}
