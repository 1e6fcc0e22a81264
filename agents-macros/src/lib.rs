//! The macros of `agents`. Use them through that crate: `use agents::prelude::*;`.
//!
//! Every macro goes three steps: `attr` reads what is written in brackets, `model` turns the item
//! into what it means and collects every mistake, `render` writes the expansion. The user's own
//! functions stay as they are; what is generated stands beside them in one anonymous `const` and
//! names the runtime by one path, `::agents::__rt`.

mod attr;
mod errors;
mod expand;
mod model;
mod names;
mod render;
mod sql;

use proc_macro::TokenStream;

use render::Side;

/// What the program that uses the macros is; the crate `agents` says so by a feature.
const SIDE: Side = if cfg!(feature = "server") { Side::Server } else { Side::Client };

/// Makes a struct an agent class, and publishes its `impl`.
///
/// On a struct it names the types and options of the class:
///
/// ```ignore
/// #[agent(state = Room, connection = Member, hibernate_after = "30s")]
/// #[derive(Default)]
/// pub struct ChatRoom;
/// ```
///
/// | option | meaning | when absent |
/// |---|---|---|
/// | `state = TYPE` | the synchronised state | any JSON, nothing until it is set |
/// | `initial_state = EXPR` or `none` | the first state | `Default::default()` of the state |
/// | `connection = TYPE` | what is kept for each connection | any JSON |
/// | `props = TYPE` | what the agent is started with | any JSON |
/// | `env = TYPE` | what the host hands to every agent | `()` |
/// | `hibernate = false` | keep the agent in memory | it hibernates |
/// | `hibernate_after = "10s"` | how long it must be idle: a number and `ms`, `s`, `m` or `h` | the host's choice |
/// | `send_identity = false` | leave out the identity frame | it is sent |
/// | `strict = true` | read-only connections write no rows, keys and alarm either | they set no state |
/// | `on_unreadable = "initial"` | a stored state that is not of the type gives way to the initial one | the agent does not start |
/// | `name = "chat-room"` | the name in addresses | the struct's name in kebab case |
/// | `crate = PATH` | where the crate `agents` is found | `::agents` |
///
/// On the inherent `impl` it collects the methods marked `#[callable]` and `#[hook]`. The methods
/// stay ordinary methods: call them, test them, document them as any other. An agent has one such
/// `impl`; helpers may stand in it or in any other `impl` block of the type. The two inner attributes
/// are read by this one: they need no import of their own.
///
/// Each callable is a method of typed callers, too: of `agents::client::AgentClient::<ChatRoom>`. Without the feature
/// `server` of `agents` these are all that is left of the `impl`: bodies, hooks, helpers and constants are not compiled,
/// and of the struct's options only `state` and `name` count. What only they name stands behind
/// `#[cfg(feature = "server")]`, for a feature of your crate that switches `agents/server` on.
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
/// `#[callable(write)]` refuses read-only connections before the method runs, with
/// `Connection is readonly`. `#[callable(require = "editor")]` asks the hook `has_right` first, and
/// refuses with `Insufficient permissions`; the right `"writable"` is `write`. A callable names one
/// right: one that stands for several where it needs several. `#[callable(exclusive)]` runs one call
/// at a time; who is refused does not wait for that. A method streams when it takes a
/// `&StreamingResponse<T>` or returns `impl Stream<Item = T>`.
///
/// In TypeScript the method has the names and types of its arguments, its doc comment, and `@deprecated`
/// if it is `#[deprecated]`. The type of a result and of the pieces of a stream must have a name there.
#[proc_macro_attribute]
pub fn callable(_args: TokenStream, item: TokenStream) -> TokenStream {
    expand::misplaced("callable", item.into()).into()
}

/// Marks a method of an `#[agent] impl` that the runtime calls.
///
/// The name decides which event it is: `on_start`, `authorize`, `connection_tags`,
/// `should_connection_be_readonly`, `should_send_protocol_messages`, `on_connect`, `on_message`,
/// `has_right`, `on_close`, `on_error`, `on_request`, `validate_state_change`, `on_state_changed`,
/// `on_state_rejected`, `on_alarm` or `on_hibernate`. As in a callable, referenced arguments come from the
/// runtime and only those that are named are made; the owned one is the event itself. `on_request` takes a `Request`
/// or what axum extracts from one, as many as you like: what reads the body stands last.
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

/// Lets a struct or enum travel between an agent, its clients and its database.
///
/// It derives serde's traits and the TypeScript type, through `agents`, so that neither crate needs
/// to stand in `Cargo.toml`. Fields and variants are camelCase in JSON and TypeScript;
/// `#[wire(rename_all = "snake_case")]` chooses another style, `"none"` keeps the Rust names.
/// `#[serde(..)]` attributes work as usual, and shape the TypeScript, too. A comment `/// ..` stands there as well.
/// A field that is an `Option` may be left out. Arrays may have any length.
///
/// Integers are numbers in JSON, which JavaScript rounds above 2⁵³: `agents::wire::U64` and its like travel as
/// text. A span of time is an `agents::wire::Duration`. `#[ts(rename = "Letter")]` gives the type another name
/// in TypeScript.
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
/// A query gives rows: `Vec<T>`, `Option<T>` or one `T`, where `T` is a scalar, a tuple or a
/// `#[wire]` struct. Any other statement gives the number of changed rows. `{{` and `}}` are
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

/// Writes nothing: it makes the attributes known that `#[wire]` leaves to other derives.
#[doc(hidden)]
#[proc_macro_derive(WireAttributes, attributes(serde))]
pub fn wire_attributes(_item: TokenStream) -> TokenStream {
    TokenStream::new()
}
