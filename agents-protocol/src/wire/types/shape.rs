//! The TypeScript form of wire types.

use std::any::{Any, TypeId, type_name};
use std::collections::HashSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ts_rs::{Config, TS, TypeVisitor};

use crate::wire::{Wire, from_json};

/// A type that describes wire types in TypeScript: a type with `#[wire]`, or one that such types consist of.
pub trait Shape: TS + 'static {}

impl<T: TS + 'static + ?Sized> Shape for T {}

/// A TypeScript expression for a type at a place where the type is used.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[doc(hidden)]
pub struct TypeName {
    /// The expression, for example `Array<Post>`.
    pub text: String,
    /// `true` if the type is `()`, so that no value is written.
    pub is_unit: bool,
    /// `true` if `null` is a value of the type, so that an argument of the type may be omitted.
    pub accepts_null: bool,
}

/// A function that names a type and adds the types that it consists of to a set.
#[doc(hidden)]
pub type Describe = fn(&mut TypeSet) -> TypeName;

impl TypeName {
    pub fn of<T: Wire>(types: &mut TypeSet) -> Self {
        let text = types.add::<T::Shape>();
        // A call reads a missing argument as `null`.
        Self { text, is_unit: T::IS_UNIT, accepts_null: from_json::<T>("null").is_ok() }
    }
}

/// A set of the named types that other types consist of.
#[doc(hidden)]
pub struct TypeSet {
    config: Config,
    /// The types with their generic arguments. A type that contains itself is visited once.
    seen: HashSet<TypeId>,
    /// The types without their generic arguments: `Page<User>` and `Page<Post>` are declared once.
    named: HashSet<TypeId>,
    pub declarations: Vec<Declaration>,
}

/// A type with a name of its own.
#[derive(Debug)]
#[doc(hidden)]
pub struct Declaration {
    /// The Rust path of the type. Generic arguments are written as `_`.
    pub rust_name: String,
    /// The name of the type in TypeScript.
    pub name: String,
    /// The doc comment of the type as a TypeScript comment, or an empty text.
    pub docs: String,
    /// `type Post = { .. };`, or the reason why the type cannot be declared.
    pub text: Result<String, String>,
}

impl Default for TypeSet {
    fn default() -> Self {
        Self {
            // JSON does not have big integers.
            config: Config::new().with_large_int("number"),
            seen: HashSet::new(),
            named: HashSet::new(),
            declarations: Vec::new(),
        }
    }
}

impl TypeSet {
    fn add<T: TS + 'static + ?Sized>(&mut self) -> String {
        self.visit::<T>();
        T::name(&self.config)
    }

    fn declare<T: TS + 'static + ?Sized>(&mut self) {
        if !self.named.insert(TypeId::of::<T>()) {
            return;
        }
        let path = type_name::<T>();
        let text = catch_unwind(AssertUnwindSafe(|| T::decl(&self.config)));
        self.declarations.push(Declaration {
            rust_name: path.replace("ts_rs::Dummy", "_"),
            name: T::ident(&self.config),
            docs: T::docs().unwrap_or_default(),
            // The same type without the name `Record`, because a program may have a type with this name.
            text: text
                .map(|text| text.replace("Record<symbol, never>", "{ [key in symbol]: never }"))
                .map_err(|panic| reason(&*panic)),
        });
    }
}

/// Returns the text of a panic of `ts-rs`, which panics for a type without a TypeScript form, such as a
/// flattened tuple.
fn reason(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it has no form").to_owned()
}

impl TypeVisitor for TypeSet {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        if T::output_path().is_some() {
            self.declare::<T::WithoutGenerics>();
        }
        T::visit_generics(self);
        T::visit_dependencies(self);
    }
}

impl fmt::Debug for TypeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypeSet").field("types", &self.declarations.len()).finish_non_exhaustive()
    }
}
