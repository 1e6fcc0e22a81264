//! The macros of `agents`. Use them through that crate: `use agents::prelude::*;`.
//!
//! Every macro works in three steps: `attr` reads the options in brackets, `model` parses the item and
//! collects every mistake, `render` writes the expansion. The user's own functions are not changed. The
//! generated code is placed beside them in one anonymous `const`, and names the runtime by one path,
//! `::agents::__rt`.

mod attr;
mod errors;
mod expand;
mod model;
mod names;
mod render;
mod sql;

use proc_macro::TokenStream;

use render::Side;

/// The kind of program that uses the macros; the crate `agents` sets it by a feature.
const SIDE: Side = if cfg!(feature = "server") { Side::Server } else { Side::Client };

/// Makes a struct an agent class, and publishes its `impl`.
///
/// On a struct it sets the types and options of the class:
///
/// ```ignore
/// #[agent(state = Room, connection = Member, hibernate_after = "30s")]
/// #[derive(Default)]
/// pub struct ChatRoom;
/// ```
///
/// | option | meaning | default |
/// |---|---|---|
/// | `state = TYPE` | the synchronised state | any JSON, and no state until one is set |
/// | `version = 2` | the version of the state's type, from 1; the hook `migrate` converts older states | 1 |
/// | `migrations = migrations![..]` | SQL that runs once for each agent, in order | none |
/// | `initial_state = EXPR` or `none` | the first state | `Default::default()` of the state |
/// | `connection = TYPE` | the value that is stored for each connection | any JSON |
/// | `props = TYPE` | the properties that the agent is started with | any JSON |
/// | `env = TYPE` | the value that the host shares with every agent | `()` |
/// | `hibernate = false` | keep the agent in memory | the agent hibernates |
/// | `hibernate_after = "10s"` | the idle time before it hibernates: a number and `ms`, `s`, `m` or `h` | 10 s |
/// | `send_identity = false` | omit the identity frame | the frame is sent |
/// | `callable_methods = false` | switch off the method `getCallableMethods` | clients may list the callables |
/// | `strict = true` | read-only connections cannot write rows, keys and the alarm either | they cannot set the state |
/// | `on_unreadable = "initial"` | the initial state replaces a stored state of another type | the agent does not start |
/// | `name = "chat-room"` | the name in addresses | the struct's name in kebab case |
/// | `crate = PATH` | the path of the crate `agents` | `::agents` |
///
/// On the inherent `impl` it collects the methods marked `#[callable]` and `#[hook]`. The methods stay
/// ordinary methods: call them, test them, document them as any other. An agent has one such `impl`; helpers
/// may be in it or in any other `impl` block of the type, without `#[agent]`. This attribute also reads the two inner attributes,
/// which need no import of their own.
///
/// Each callable is also a method of typed callers, such as `agents::client::AgentClient::<ChatRoom>`.
/// Without the feature `server` of `agents` the `impl` consists only of these: bodies, hooks, helpers and
/// constants are not compiled. Of the struct's options only `state` and `name` are used. Put items that only
/// the removed code uses behind `#[cfg(feature = "server")]`, for a feature of your crate that enables
/// `agents/server`.
#[proc_macro_attribute]
pub fn agent(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::agent(args.into(), item.into(), SIDE).into()
}

/// Lets clients call a method of an `#[agent] impl`.
///
/// Owned arguments come from the client, by position. Referenced arguments come from the runtime,
/// in any order: `&Context<Self>`, `&View<Self>` (cannot write), `&Connection<Self>` (the caller;
/// `Option<&Connection<Self>>` when there may be none), `&ConnectRequest` and
/// `&StreamingResponse<T>`. Clients use the name in camel case.
///
/// ```ignore
/// /// Posts a message.
/// #[callable]
/// async fn post(&self, cx: &Context<Self>, from: &Connection<Self>, body: String) -> Result<Post> {
///     // ..
/// }
///
/// /// The newest posts.
/// #[callable]
/// fn history(&self, cx: &View<Self>, #[default = 20] limit: u32) -> Result<Vec<Post>> {
///     // ..
/// }
/// ```
///
/// `#[callable(write)]` refuses read-only connections before the method runs, with `Connection is readonly`.
/// `#[callable(require = "editor")]` asks the hook `has_right` first, and refuses with
/// `Insufficient permissions`; the right `"writable"` is the same as `write`. A callable names one right: if
/// it needs several, name one that includes them. `#[callable(exclusive)]` runs one call at a time; a refused
/// call does not wait for others. A method streams when it takes a `&StreamingResponse<T>` or returns
/// `impl Stream<Item = T>`.
///
/// In TypeScript the method has the names and types of its arguments, its doc comment, and `@deprecated` if
/// it is `#[deprecated]`. The type of a result and of the items of a stream must have a name in TypeScript.
#[proc_macro_attribute]
pub fn callable(_args: TokenStream, item: TokenStream) -> TokenStream {
    expand::misplaced("callable", item.into()).into()
}

/// Marks a method of an `#[agent] impl` that the runtime calls.
///
/// The name of the method selects the event: `migrate`, `on_start`, `authorize`, `connection_tags`,
/// `should_connection_be_readonly`, `should_send_protocol_messages`, `on_connect`, `on_message`, `has_right`,
/// `on_close`, `on_error`, `on_request`, `validate_state_change`, `on_state_changed`, `on_state_rejected`,
/// `on_alarm` or `on_hibernate`. As in a callable, referenced arguments come from the runtime, and only the
/// listed ones are made; the owned argument is the event itself. `on_request` takes a `Request` or any number
/// of arguments that axum extracts from one: an argument that reads the body must be the last one.
///
/// ```ignore
/// #[hook]
/// async fn on_message(&self, conn: &Connection<Self>, message: Message) -> Result<()> {
///     // ..
/// }
/// ```
#[proc_macro_attribute]
pub fn hook(_args: TokenStream, item: TokenStream) -> TokenStream {
    expand::misplaced("hook", item.into()).into()
}

/// Makes a struct or enum a wire type, which can be sent between an agent and its clients and be read from
/// its database.
///
/// It derives serde's traits and the TypeScript type, through `agents`, so neither crate has to be in your
/// `Cargo.toml`. Fields and variants are camelCase in JSON and TypeScript;
/// `#[wire(rename_all = "snake_case")]` selects another style, `"none"` keeps the Rust names. `#[serde(..)]`
/// attributes work as usual, and also apply to the TypeScript. Doc comments are copied to TypeScript. A field
/// that is an `Option` may be omitted. Arrays may have any length.
///
/// Integers are numbers in JSON, which JavaScript rounds above 2⁵³: `agents::wire::U64` and similar types are
/// sent as text. Use `agents::wire::Duration` for a span of time. `#[ts(rename = "Letter")]` gives the type
/// another name in TypeScript.
///
/// ```ignore
/// #[wire]
/// #[derive(Clone)]
/// pub struct Post {
///     pub author: String,
///     pub sent_at: u64,           // sentAt
/// }
/// ```
#[proc_macro_attribute]
pub fn wire(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::wire(args.into(), item.into(), SIDE).into()
}

/// Runs one SQL statement of the agent's database; values in braces are bound, never spliced.
///
/// A query returns rows: `Vec<T>`, `Option<T>` or one `T`, where `T` is a scalar, a tuple or a
/// `#[wire]` struct or enum. A variant without fields is its name in a column. Any other statement returns the number of changed rows. `{{` and `}}` are
/// braces. A statement that writes does not compile with a `View`.
///
/// ```ignore
/// let body: String = sql!(cx, "SELECT body FROM posts WHERE id = {id}")?;
/// let changed: u64 = sql!(cx, "UPDATE posts SET body = {post.body} WHERE id = {id}")?;
/// ```
#[proc_macro]
pub fn sql(input: TokenStream) -> TokenStream {
    sql::expand(input.into()).into()
}

/// Makes the list of SQL migrations of a class, for `#[agent(migrations = ..)]`.
///
/// Each text is one migration of one or more statements. `migrations!(dir "migrations")` reads the files
/// `0001_name.sql`, `0002_name.sql` … of a folder of the crate instead; other files in the folder are ignored.
/// A file that is added is noticed when the crate is compiled next; let a build script print
/// `cargo:rerun-if-changed=migrations` to have it compiled then.
///
/// The texts are checked while the crate is compiled, as far as this is possible without a database, and at the
/// start of the host on an empty one.
///
/// A class with the option `crate = PATH` hands the path on. A list outside of a class, in a crate that has
/// `agents` under another name, begins with it: `migrations![crate = PATH, "..", ..]`.
///
/// ```ignore
/// #[agent(migrations = migrations![
///     "CREATE TABLE messages (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
///     "ALTER TABLE messages ADD COLUMN author TEXT",
/// ])]
/// struct ChatRoom;
/// ```
#[proc_macro]
pub fn migrations(input: TokenStream) -> TokenStream {
    sql::migrations::expand(input.into()).into()
}

/// Generates no code, but declares the attributes that `#[wire]` leaves to other derives.
#[doc(hidden)]
#[proc_macro_derive(WireAttributes, attributes(serde))]
pub fn wire_attributes(_item: TokenStream) -> TokenStream {
    TokenStream::new()
}
