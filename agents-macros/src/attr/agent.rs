//! The options of `#[agent(..)]`.

use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::{Expr, LitBool, LitInt, LitStr, Result, Type, TypePath};

use super::{Keys, Runtime, duration};
use crate::errors::Errors;

const KEYS: &[&str] = &[
    "state",
    "version",
    "migrations",
    "initial_state",
    "connection",
    "props",
    "env",
    "hibernate",
    "hibernate_after",
    "send_identity",
    "callable_methods",
    "strict",
    "on_unreadable",
    "name",
    "crate",
];

/// The options of `#[agent(..)]` on a struct.
#[derive(Default)]
pub(crate) struct AgentOptions {
    pub(crate) runtime: Runtime,
    pub(crate) state: Option<Type>,
    /// The version of the state, from 1.
    pub(crate) version: Option<u32>,
    pub(crate) migrations: Option<Expr>,
    pub(crate) initial_state: Option<InitialState>,
    pub(crate) connection: Option<Type>,
    pub(crate) props: Option<Type>,
    pub(crate) env: Option<Type>,
    pub(crate) hibernate: Option<LitBool>,
    /// The time in milliseconds.
    pub(crate) hibernate_after: Option<u64>,
    pub(crate) send_identity: Option<LitBool>,
    pub(crate) callable_methods: Option<LitBool>,
    pub(crate) strict: Option<LitBool>,
    pub(crate) on_unreadable: Option<OnUnreadable>,
    pub(crate) name: Option<LitStr>,
}

/// The reaction to a stored state that does not have the agent's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnUnreadable {
    Fail,
    Initial,
}

/// The state of an agent that has no stored state.
pub(crate) enum InitialState {
    None,
    Expression(Box<Expr>),
}

impl AgentOptions {
    /// Reads the brackets on a struct; reports mistakes and omits the wrong options.
    pub(crate) fn parse(args: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        let mut keys = Keys::new("#[agent]", KEYS);
        let mut state_keys = Vec::new();
        let parser = syn::meta::parser(|meta| {
            let Some(key) = keys.next(&meta, errors)? else { return Ok(()) };
            if matches!(&*key, "initial_state" | "on_unreadable") {
                state_keys.push((key.clone(), meta.path.clone()));
            }
            options.set(&key, &meta, errors)
        });
        if let Err(error) = parser.parse2(args) {
            errors.push(error);
        }
        if options.state.is_none() {
            for (key, span) in state_keys {
                errors.at(span, format!("`{key}` needs a type: write `state = TYPE` beside it"));
            }
            options.initial_state = None;
            options.on_unreadable = None;
        }
        options
    }

    fn set(&mut self, key: &str, meta: &ParseNestedMeta<'_>, errors: &mut Errors) -> Result<()> {
        match key {
            "state" => self.state = Some(parse_type(meta, key)?),
            "connection" => self.connection = Some(parse_type(meta, key)?),
            "props" => self.props = Some(parse_type(meta, key)?),
            "env" => self.env = Some(parse_type(meta, key)?),
            "version" => self.version = Some(parse_version(meta)?),
            "migrations" => self.migrations = Some(meta.value()?.parse()?),
            "initial_state" => {
                let value: Expr = meta.value()?.parse()?;
                self.initial_state = Some(match &value {
                    Expr::Path(path) if path.path.is_ident("none") => InitialState::None,
                    _ => InitialState::Expression(Box::new(value)),
                });
            }
            "hibernate" => self.hibernate = Some(parse_flag(meta, key)?),
            "send_identity" => self.send_identity = Some(parse_flag(meta, key)?),
            "callable_methods" => self.callable_methods = Some(parse_flag(meta, key)?),
            "strict" => self.strict = Some(parse_flag(meta, key)?),
            "on_unreadable" => {
                let value = parse_text(meta, key, "initial")?;
                match value.value().as_str() {
                    "fail" => self.on_unreadable = Some(OnUnreadable::Fail),
                    "initial" => self.on_unreadable = Some(OnUnreadable::Initial),
                    _ => errors.at(
                        value,
                        "write \"fail\", so that an agent whose stored state cannot be read does not start, or \"initial\", so \
                         that the initial state replaces it",
                    ),
                }
            }
            "hibernate_after" => {
                let value = parse_text(meta, key, "10s")?;
                match duration::milliseconds(&value) {
                    Ok(milliseconds) => self.hibernate_after = Some(milliseconds),
                    Err(error) => errors.push(error),
                }
            }
            "name" => {
                let value = parse_text(meta, key, "chat-room")?;
                if is_address_name(&value.value()) {
                    self.name = Some(value);
                } else {
                    errors.at(
                        value,
                        "the name is part of addresses: write lower-case letters, digits and single dashes, \
                         beginning with a letter, as in \"chat-room\"",
                    );
                }
            }
            _ => self.runtime = Runtime::parse(meta)?,
        }
        Ok(())
    }
}

/// Reads the brackets on an `impl`, where only `crate` is allowed.
pub(crate) fn parse_on_impl(args: TokenStream, errors: &mut Errors) -> Runtime {
    let mut runtime = Runtime::default();
    let mut keys = Keys::new("#[agent]", KEYS);
    let parser = syn::meta::parser(|meta| {
        let Some(key) = keys.next(&meta, errors)? else { return Ok(()) };
        if key == "crate" {
            runtime = Runtime::parse(&meta)?;
            return Ok(());
        }
        errors.at(&meta.path, format!("`{key}` belongs on the struct: move it to the `#[agent]` there"));
        super::skip_value(meta.input)
    });
    if let Err(error) = parser.parse2(args) {
        errors.push(error);
    }
    runtime
}

fn parse_type(meta: &ParseNestedMeta<'_>, key: &str) -> Result<Type> {
    let value =
        meta.value().map_err(|_| meta.error(format!("`{key}` needs a type: write `{key} = TYPE`")))?;
    let ty: Type = value.parse()?;
    // An owned type is a path or a tuple; other types cannot be an associated type of the agent.
    match &ty {
        Type::Path(TypePath { .. })
        | Type::Tuple(_)
        | Type::Array(_)
        | Type::Group(_)
        | Type::Paren(_)
        | Type::Macro(_) => Ok(ty),
        _ => Err(syn::Error::new_spanned(
            ty,
            format!("`{key}` must be an owned type: write the name of a struct or enum"),
        )),
    }
}

fn parse_flag(meta: &ParseNestedMeta<'_>, key: &str) -> Result<LitBool> {
    let wrong =
        |error: syn::Error| syn::Error::new(error.span(), format!("write `{key} = true` or `{key} = false`"));
    match meta.value() {
        Ok(value) => value.parse().map_err(wrong),
        Err(_) => Err(meta.error(format!("write `{key} = true` or `{key} = false`"))),
    }
}

fn parse_version(meta: &ParseNestedMeta<'_>) -> Result<u32> {
    const USAGE: &str = "write `version = 2`: a number from 1, one more for each change of the state's type";
    let value = meta.value().map_err(|_| meta.error(USAGE))?;
    let literal: LitInt = value.parse().map_err(|error: syn::Error| syn::Error::new(error.span(), USAGE))?;
    match literal.base10_parse::<u32>() {
        Ok(version) if version > 0 => Ok(version),
        _ => Err(syn::Error::new(literal.span(), USAGE)),
    }
}

fn parse_text(meta: &ParseNestedMeta<'_>, key: &str, example: &str) -> Result<LitStr> {
    let wrong = |error: syn::Error| syn::Error::new(error.span(), format!("write `{key} = \"{example}\"`"));
    match meta.value() {
        Ok(value) => value.parse().map_err(wrong),
        Err(_) => Err(meta.error(format!("write `{key} = \"{example}\"`"))),
    }
}

fn is_address_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name.bytes().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-')
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn mistakes(args: TokenStream) -> Vec<String> {
        let mut errors = Errors::default();
        AgentOptions::parse(args, &mut errors);
        errors.messages()
    }

    #[test]
    fn everything_is_read() {
        let mut errors = Errors::default();
        let options = AgentOptions::parse(
            quote!(
                state = Room,
                version = 3,
                migrations = migrations!["CREATE TABLE a (b)"],
                initial_state = none,
                connection = (),
                props = a::B<C>,
                env = Env,
                hibernate = false,
                hibernate_after = "2m",
                send_identity = true,
                callable_methods = false,
                strict = true,
                on_unreadable = "initial",
                name = "chat-2",
                crate = my::agents,
            ),
            &mut errors,
        );
        assert!(errors.is_empty(), "{:?}", errors.messages());
        assert!(matches!(options.initial_state, Some(InitialState::None)));
        assert_eq!(options.hibernate_after, Some(120_000));
        assert_eq!(options.version, Some(3));
        assert!(matches!(options.migrations, Some(Expr::Macro(_))));
        assert_eq!(options.runtime.text("serde"), "my::agents::__rt::serde");
        assert!(options.hibernate.is_some_and(|flag| !flag.value));
        assert!(options.strict.is_some_and(|flag| flag.value));
        assert!(options.callable_methods.is_some_and(|flag| !flag.value));
        assert_eq!(options.on_unreadable, Some(OnUnreadable::Initial));
    }

    #[test]
    fn one_message_a_mistake_and_all_of_them() {
        let found = mistakes(quote!(stat = Room, name = "Chat", name = "x", hibernate_after = "soon"));
        assert_eq!(found.len(), 4, "{found:#?}");
        assert!(found[0].contains("did you mean `state`? The options are `state`"), "{}", found[0]);
        assert!(found[2].contains("given twice"), "{}", found[2]);
    }

    #[test]
    fn initial_state_needs_a_type() {
        assert_eq!(mistakes(quote!(initial_state = 1, on_unreadable = "fail")).len(), 2);
        assert!(mistakes(quote!(initial_state = 1, state = u8)).is_empty());
    }

    #[test]
    fn names_that_addresses_can_have() {
        for name in ["a", "chat-room", "v2"] {
            assert!(is_address_name(name), "{name}");
        }
        for name in ["", "Chat", "chat_room", "-a", "a-", "a--b", "2v", "ä"] {
            assert!(!is_address_name(name), "{name}");
        }
    }

    #[test]
    fn options_belong_on_the_struct() {
        let mut errors = Errors::default();
        parse_on_impl(quote!(state = Room, crate = x), &mut errors);
        assert_eq!(errors.messages(), ["`state` belongs on the struct: move it to the `#[agent]` there"]);
    }
}
