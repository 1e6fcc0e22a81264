//! What a wire type looks like in TypeScript.

/// A type that stands for another one in TypeScript: whatever `#[wire]` was put on, and what such types are made of.
#[cfg(not(feature = "runtime"))]
pub trait Shape {}
#[cfg(not(feature = "runtime"))]
impl<T: ?Sized> Shape for T {}

/// A type that stands for another one in TypeScript: whatever `#[wire]` was put on, and what such types are made of.
#[cfg(feature = "runtime")]
pub trait Shape: ts_rs::TS + 'static {}
#[cfg(feature = "runtime")]
impl<T: ts_rs::TS + 'static + ?Sized> Shape for T {}

#[cfg(feature = "runtime")]
pub(crate) use named::Declaration;
#[cfg(feature = "runtime")]
pub use named::{Describe, TypeName, TypeSet};

#[cfg(feature = "runtime")]
mod named {
    use std::any::{Any, TypeId, type_name};
    use std::collections::HashSet;
    use std::fmt;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use ts_rs::{Config, TS, TypeVisitor};

    use crate::wire::{Wire, from_json};

    /// How a type is written in TypeScript, where it is used.
    #[derive(Clone, Debug)]
    #[non_exhaustive]
    pub struct TypeName {
        /// The expression, for example `Array<Post>`.
        pub text: String,
        /// Whether it is `()`, so that there is nothing to see.
        pub is_unit: bool,
        /// Whether `null` is one of its values, so that an argument of it may be left out.
        pub accepts_null: bool,
    }

    /// Names a type and adds what it is made of to a set.
    pub type Describe = fn(&mut TypeSet) -> TypeName;

    impl TypeName {
        pub(crate) fn of<T: Wire>(types: &mut TypeSet) -> Self {
            let text = types.add::<T::Shape>();
            // What a call does with an argument that is missing.
            Self { text, is_unit: T::IS_UNIT, accepts_null: from_json::<T>("null").is_ok() }
        }
    }

    /// The named types that some types are made of, each once.
    pub struct TypeSet {
        config: Config,
        /// Whole types, with what they are generic over: a type that holds itself is gone through once.
        seen: HashSet<TypeId>,
        /// Types without what they are generic over: `Page<User>` and `Page<Post>` are declared once.
        named: HashSet<TypeId>,
        pub(crate) declarations: Vec<Declaration>,
    }

    /// A type that has a name of its own.
    pub(crate) struct Declaration {
        /// Its Rust path; what it is generic over is `_`.
        pub(crate) rust_name: String,
        /// Its name in TypeScript.
        pub(crate) name: String,
        /// Its doc comment in the form of TypeScript, or nothing.
        pub(crate) docs: String,
        /// `type Post = { .. };`, or why there is no such thing.
        pub(crate) text: Result<String, String>,
    }

    impl TypeSet {
        pub(crate) fn new() -> Self {
            Self {
                // JSON has no big integers.
                config: Config::new().with_large_int("number"),
                seen: HashSet::new(),
                named: HashSet::new(),
                declarations: Vec::new(),
            }
        }

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
                // The same type, without the name `Record`, which a program may have for its own.
                text: text
                    .map(|text| text.replace("Record<symbol, never>", "{ [key in symbol]: never }"))
                    .map_err(|panic| reason(&*panic)),
            });
        }
    }

    /// `ts-rs` panics where a type has no form, for example for a tuple that is flattened.
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
}
