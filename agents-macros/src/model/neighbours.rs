//! The items beside the one that a macro expands, as the same file shows them.
//!
//! A macro sees one item. The compiler reports a mistake that lies in two items once for each trait that is
//! missing or given twice, and in the words of these traits. So the macro reads the file of its item and
//! reports such a mistake itself. A file that cannot be read, an item from another macro, and items behind a
//! condition show nothing; then the messages are those of the compiler.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::rc::Rc;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, GenericArgument, Item, ItemImpl, Meta, Path, PathArguments, Token, Type, UseTree};

use super::types;
use crate::attr;
use crate::errors::Errors;

/// The types of the standard library that measure time, which have no form on the wire.
const TIMES: [&str; 3] = ["Duration", "Instant", "SystemTime"];
/// The derives that do not make a type a wire type.
const PLAIN: [&str; 9] =
    ["Clone", "Copy", "Debug", "Default", "Eq", "Hash", "Ord", "PartialEq", "PartialOrd"];
/// The attributes that do not make a type a wire type, apart from `derive`.
const QUIET: [&str; 8] =
    ["allow", "deny", "doc", "deprecated", "expect", "must_use", "non_exhaustive", "warn"];
/// The traits that make a type fit for the wire when they are implemented by hand.
const BY_HAND: [&str; 4] = ["Deserialize", "Serialize", "TS", "Wire"];

/// The items of one module that concern the macros.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// The blocks with `#[agent]`, each as its type and its text.
    blocks: Vec<(String, String)>,
    /// The types with `#[wire]`.
    wire: HashSet<String>,
    /// The types that are certainly no wire types.
    plain: HashSet<String>,
    /// The names under which types of `std::time` are imported.
    times: HashMap<String, &'static str>,
}

/// The modules of a file.
pub(crate) type Modules = Vec<Module>;

thread_local! {
    /// The modules of the last file: its items are expanded one after the other.
    static LAST: RefCell<Option<(PathBuf, Rc<Modules>)>> = const { RefCell::new(None) };
}

/// Returns the modules of the file whose item is expanded.
pub(crate) fn here() -> Rc<Modules> {
    let read = || {
        if !proc_macro::is_available() {
            return None;
        }
        let path = proc_macro::Span::call_site().local_file()?;
        let known = LAST.with_borrow(|last| {
            last.as_ref().filter(|(known, _)| *known == path).map(|(_, modules)| modules.clone())
        });
        known.or_else(|| {
            let modules = Rc::new(modules(&std::fs::read_to_string(&path).ok()?));
            LAST.set(Some((path, modules.clone())));
            Some(modules)
        })
    };
    read().unwrap_or_default()
}

/// Returns the modules that a text of Rust contains.
pub(crate) fn modules(text: &str) -> Modules {
    let (mut modules, mut others) = (Vec::new(), HashSet::new());
    if let Ok(file) = syn::parse_file(text) {
        collect(&file.items, &mut modules, &mut others);
    }
    for module in &mut modules {
        module.plain.retain(|name| !others.contains(name));
    }
    modules
}

/// Returns whether another block of the same type with `#[agent]` stands before this one.
pub(crate) fn has_earlier_block(modules: &Modules, block: &ItemImpl) -> bool {
    let (ty, own) = (text(block.self_ty.to_token_stream()), text(block.to_token_stream()));
    modules.iter().any(|module| {
        let mut same = module.blocks.iter().filter(|(of, _)| *of == ty).map(|(_, text)| text);
        same.next().is_some_and(|first| *first != own) && same.any(|text| *text == own)
    })
}

impl Module {
    /// Returns the module in which this type has its `#[wire]`, if only one has such a type.
    pub(crate) fn of_wire_type<'m>(modules: &'m Modules, name: &str) -> Option<&'m Self> {
        let mut found = modules.iter().filter(|module| module.wire.contains(name));
        found.next().filter(|_| found.next().is_none())
    }

    /// Returns the module of a block with `#[agent]`.
    pub(crate) fn of_block<'m>(modules: &'m Modules, block: &ItemImpl) -> Option<&'m Self> {
        let own = text(block.to_token_stream());
        modules.iter().find(|module| module.blocks.iter().any(|(_, text)| *text == own))
    }

    /// Returns the reason why a type of this module cannot travel, if that is certain.
    pub(crate) fn objection(&self, path: &Path) -> Option<String> {
        if let Some(name) = path.get_ident().map(ToString::to_string)
            && self.plain.contains(&name)
        {
            return Some(format!("`{name}` is not a wire type: put `#[wire]` on it"));
        }
        Some(match self.time(path)? {
            "Duration" => "`std::time::Duration` is not a wire type: write `agents::wire::Duration`, which travels as milliseconds".to_owned(),
            name => format!(
                "`{name}` is not a wire type: write a number of milliseconds, as `cx.now()` returns, or a type of `chrono` or `jiff` with the feature of that name"
            ),
        })
    }

    /// Returns the name of a type of `std::time`.
    fn time(&self, path: &Path) -> Option<&'static str> {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [name] => self.times.get(name).copied(),
            ["std" | "core", "time", name] => TIMES.into_iter().find(|time| *time == name),
            _ => None,
        }
    }
}

/// Collects the modules, and the names of types that have the traits in another way: by an `impl`, or
/// perhaps by a macro that mentions them.
fn collect(items: &[Item], modules: &mut Modules, others: &mut HashSet<String>) {
    let mut module = Module::default();
    for item in items {
        match item {
            Item::Mod(inner) => {
                if let Some((_, items)) = &inner.content {
                    collect(items, modules, others);
                }
            }
            Item::Use(import) => imports(&import.tree, &mut Vec::new(), &mut module.times),
            Item::Struct(item) => module.ty(&item.ident.to_string(), &item.attrs),
            Item::Enum(item) => module.ty(&item.ident.to_string(), &item.attrs),
            Item::Impl(block) => match &block.trait_ {
                Some((of, _)) => {
                    if of.segments.last().is_some_and(|last| BY_HAND.iter().any(|name| last.ident == name)) {
                        mentioned(block.self_ty.to_token_stream(), others);
                    }
                }
                None => module.block(block),
            },
            Item::Macro(call) => mentioned(call.mac.tokens.clone(), others),
            _ => {}
        }
    }
    modules.push(module);
}

/// Adds the names that occur in the tokens.
fn mentioned(tokens: TokenStream, names: &mut HashSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => mentioned(group.stream(), names),
            TokenTree::Ident(name) => {
                names.insert(name.to_string());
            }
            _ => {}
        }
    }
}

impl Module {
    fn block(&mut self, block: &ItemImpl) {
        let is_agent = block.attrs.iter().any(|attr| attr::is(attr, "agent"));
        if is_agent && !is_conditional(&block.attrs) {
            let mut bare = block.clone();
            bare.attrs.retain(|attr| !attr::is(attr, "agent"));
            self.blocks.push((text(bare.self_ty.to_token_stream()), text(bare.to_token_stream())));
        }
    }

    fn ty(&mut self, name: &str, attrs: &[Attribute]) {
        if is_conditional(attrs) {
            return;
        }
        if attrs.iter().any(|attr| attr::is(attr, "wire")) {
            self.wire.insert(name.to_owned());
        } else if attrs.iter().all(is_quiet) {
            self.plain.insert(name.to_owned());
        }
    }
}

fn is_conditional(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr"))
}

fn is_quiet(attr: &Attribute) -> bool {
    if !attr.path().is_ident("derive") {
        return QUIET.iter().any(|name| attr.path().is_ident(name));
    }
    let Meta::List(list) = &attr.meta else { return false };
    list.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated)
        .is_ok_and(|paths| paths.iter().all(|path| PLAIN.iter().any(|name| path.is_ident(name))))
}

/// Adds the names that an import gives to types of `std::time`.
fn imports(tree: &UseTree, before: &mut Vec<String>, times: &mut HashMap<String, &'static str>) {
    let mut add = |before: &[String], name: &str, alias: String| {
        let is_time = matches!(before, [first, second] if ["std", "core"].contains(&first.as_str()) && second == "time");
        if let Some(time) = TIMES.into_iter().find(|time| is_time && *time == name) {
            times.insert(alias, time);
        }
    };
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            imports(&path.tree, before, times);
            before.pop();
        }
        UseTree::Name(name) => add(before, &name.ident.to_string(), name.ident.to_string()),
        UseTree::Rename(rename) => add(before, &rename.ident.to_string(), rename.rename.to_string()),
        UseTree::Group(group) => group.items.iter().for_each(|tree| imports(tree, before, times)),
        UseTree::Glob(_) => {}
    }
}

/// Returns the tokens as text that does not depend on the spaces between them.
fn text(tokens: TokenStream) -> String {
    fn write(tokens: TokenStream, out: &mut String) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    out.push('(');
                    write(group.stream(), out);
                    out.push(')');
                }
                other => {
                    out.push_str(&other.to_string());
                    out.push(' ');
                }
            }
        }
    }
    let mut out = String::new();
    write(tokens, &mut out);
    out
}

/// Reports the types that a value of this type carries and that certainly cannot travel, each once.
pub(crate) fn report(module: &Module, ty: &Type, reported: &mut Vec<String>, errors: &mut Errors) {
    carried(ty, &mut |path| {
        if let Some(why) = module.objection(path)
            && !reported.contains(&why)
        {
            errors.at(path, &why);
            reported.push(why);
        }
    });
}

/// Visits the types that a value carries: through results, options, lists, maps, pointers, arrays and tuples.
pub(crate) fn carried<'t>(ty: &'t Type, visit: &mut impl FnMut(&'t Path)) {
    const CONTAINERS: [&str; 10] =
        ["Arc", "BTreeMap", "BTreeSet", "Box", "HashMap", "HashSet", "Option", "Rc", "Vec", "VecDeque"];
    match types::bare(ty) {
        Type::Array(array) => carried(&array.elem, visit),
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|ty| carried(ty, visit)),
        Type::Path(path) if path.qself.is_none() => {
            let last = path.path.segments.last();
            if last.is_some_and(|last| last.ident == "Result") {
                return types::first_argument(ty).into_iter().for_each(|ty| carried(ty, visit));
            }
            match last.filter(|last| CONTAINERS.iter().any(|name| last.ident == name)) {
                Some(last) => {
                    let PathArguments::AngleBracketed(list) = &last.arguments else { return };
                    for argument in &list.args {
                        if let GenericArgument::Type(ty) = argument {
                            carried(ty, visit);
                        }
                    }
                }
                None => visit(&path.path),
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objection(modules: &Modules, of: &str, path: &str) -> Option<String> {
        Module::of_wire_type(modules, of)?.objection(&syn::parse_str(path).expect("a path"))
    }

    #[test]
    fn a_second_block_is_found_in_its_module_only() {
        let modules = modules(
            "#[agent] impl Room { fn a(&self) {} }
             #[agent] impl Hall { fn a(&self) {} }
             impl Room { fn helper(&self) {} }
             #[agent] impl Room { /// Text.
                 fn b(&self) {} }
             mod other { #[agents::agent] impl Room { fn c(&self) {} } }
             #[cfg(test)] #[agent] impl Hall { fn d(&self) {} }",
        );
        let earlier = |block: &str| has_earlier_block(&modules, &syn::parse_str(block).expect("a block"));
        assert!(earlier("impl Room { #[doc = \" Text.\"] fn b(&self) {} }"));
        for block in ["Room { fn a(&self) {} }", "Hall { fn a(&self) {} }", "Room { fn c(&self) {} }"] {
            assert!(!earlier(&format!("impl {block}")), "{block}");
        }
        assert!(!earlier("impl Hall { fn d(&self) {} }"), "only one of the two exists");
    }

    #[test]
    fn only_what_is_certain_is_objected_to() {
        let modules = modules(
            "use std::{fmt, time::{Duration, SystemTime as When}};
             #[wire] struct Post { a: Plain }
             #[derive(Clone, Debug)] struct Plain;
             #[derive(Clone, Serialize)] struct Derived;
             #[other] struct Marked;
             #[cfg(test)] struct Sometimes;
             struct ByHand;
             mod hand { impl<'de> serde::Deserialize<'de> for super::ByHand {} }
             struct ByMacro;
             implement!(Serialize for ByMacro);
             mod other { use agents::wire::Duration; #[wire] enum Kind {} }",
        );
        for certain in ["Plain", "Duration", "When", "std::time::Instant", "core::time::Duration"] {
            assert!(objection(&modules, "Post", certain).is_some(), "{certain}");
        }
        for open in [
            "Derived",
            "Marked",
            "Sometimes",
            "ByHand",
            "ByMacro",
            "Unknown",
            "other::Plain",
            "SystemTime",
            "Post",
        ] {
            assert_eq!(objection(&modules, "Post", open), None, "{open}");
        }
        assert_eq!(objection(&modules, "Kind", "Duration"), None, "a wire type of the same name");
    }

    #[test]
    fn fields_carry_types_through_containers() {
        let ty = syn::parse_str("Result<Vec<(u8, [a::B; 2], HashMap<String, Box<C>>, PhantomData<D>)>, E>");
        let ty = ty.expect("a type");
        let mut found = Vec::new();
        carried(&ty, &mut |path| found.push(text(path.to_token_stream()).replace(' ', "")));
        assert_eq!(found, ["u8", "a::B", "String", "C", "PhantomData<D>"]);
    }
}
