//! `Agents`, the configuration of a host before it starts.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use axum::Router;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::agent::{Agent, AgentFactory, AgentInfo, AgentObject};
use crate::auth::Shared;
use crate::error::{Error, Result};
use crate::gateway::{Encoded, Gateway, GatewayPort, Hub};
use crate::limits::Limits;
use crate::object::{
    AlarmService, AwakeSlots, Behavior, Chaos, DataFailure, DataVersion, DurableObject, Environment,
    ObjectClass, ObjectContext, Registry, Watchdog,
};
use crate::server::access::config::Access;
use crate::server::access::proxies::Proxies;
use crate::server::host::{Host, Program, Routes};
use crate::server::http::listen_address::ListenAddress;
use crate::server::http::{open_files, serve};
use crate::server::{command, events};
use crate::storage::{
    AlarmIndex, BlockInPlace, DataFolder, Durability, Faults, Migration, Migrations, StorageError,
    StoreOptions,
};
use crate::support::clock::Clock;
use crate::typescript::Class;
use crate::wire::{Describe, KeyFacts};

/// A host for agents, before it starts.
///
/// ```no_run
/// # use agents_core::{Agents, Result};
/// # async fn example() -> Result<()> {
/// // Agents::new().register::<ChatRoom>().run().await
/// Agents::new().run().await
/// # }
/// ```
pub struct Agents {
    classes: Vec<Registration>,
    props: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    env: Shared,
    pub(super) data: PathBuf,
    pub(super) access: Access,
    limits: Limits,
    durability: Durability,
    faults: Option<Arc<Faults>>,
    routes: Option<Routes>,
    pub(super) metrics: Option<String>,
    /// Types for TypeScript that no class names.
    pub(super) types: Vec<Describe>,
}

struct Registration {
    rust_name: &'static str,
    name: String,
    build: BuildClass,
    migrations: &'static [Migration],
    /// Describes the class for TypeScript; durable objects are not described.
    describe: Option<fn() -> Class>,
}

/// The clock of a host and other settings that a test may change.
#[derive(Debug, Default)]
pub(crate) struct Mode {
    pub(crate) clock: Clock,
    pub(crate) chaos: Option<Chaos>,
    /// Encodes and decodes everything between the gateway and the objects.
    pub(crate) encoded: bool,
    /// The host converts copies and serves nothing, so the log has no start and no stop.
    pub(crate) checks: bool,
}

type BuildClass = Box<dyn FnOnce(&Build<'_>) -> Result<Arc<dyn Behavior>> + Send>;

/// The values that are needed to build a class.
struct Build<'a> {
    env: &'a Shared,
    props: &'a HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

type PropsOf<A> =
    Arc<dyn Fn(AgentInfo<'_>) -> Option<<A as crate::agent::AgentDefinition>::Props> + Send + Sync>;

impl Agents {
    /// Returns a host without classes: data in `./data`, CORS off, default limits.
    pub fn new() -> Self {
        Self {
            classes: Vec::new(),
            props: HashMap::new(),
            env: HashMap::new(),
            data: PathBuf::from("data"),
            access: Access::default(),
            limits: Limits::default(),
            durability: Durability::default(),
            faults: None,
            routes: None,
            metrics: None,
            types: Vec::new(),
        }
    }

    /// Adds a class whose instances are made by `Default`.
    #[must_use]
    pub fn register<A: Agent + Default>(self) -> Self {
        self.register_with::<A>(|_| A::default())
    }

    /// Adds a class whose instances are made by a function, at every wake.
    #[must_use]
    pub fn register_with<A: Agent>(
        mut self,
        factory: impl Fn(AgentInfo<'_>) -> A + Send + Sync + 'static,
    ) -> Self {
        let options = A::options();
        let name = A::ROUTE.to_owned();
        let build = move |build: &Build<'_>| -> Result<Arc<dyn Behavior>> {
            let props = build.props.get(&TypeId::of::<A>());
            let class = Arc::new(AgentFactory::<A> {
                factory: Box::new(factory),
                props: props.and_then(|props| props.downcast_ref::<PropsOf<A>>()).cloned(),
                env: env_of::<A>(build)?,
                send_identity: options.send_identity,
                key_facts: Arc::new(KeyFacts::of::<A::State>()),
            });
            let make = move |object: &ObjectContext| AgentObject::new(class.clone(), object);
            Ok(Arc::new(ObjectClass {
                make: Box::new(make),
                options: AgentObject::<A>::options(),
                data_version: DataVersion { state: A::VERSION, migrations: Migrations::new(A::MIGRATIONS) },
                check: AgentObject::check_data,
            }))
        };
        let (rust_name, describe) = (type_name::<A>(), Some(Class::of::<A> as fn() -> Class));
        let migrations = A::MIGRATIONS;
        self.classes.push(Registration { rust_name, name, build: Box::new(build), migrations, describe });
        self
    }

    /// Adds a class of durable objects under a name, as it appears in addresses.
    #[must_use]
    pub fn register_object<O: DurableObject + Default>(self, name: impl Into<String>) -> Self {
        self.register_object_with(name, |_: &ObjectContext| O::default())
    }

    /// Adds a class of durable objects that are made by a function, at every wake.
    ///
    /// The function must not read or write through the context; this is possible from `start` on.
    #[must_use]
    pub fn register_object_with<O: DurableObject>(
        mut self,
        name: impl Into<String>,
        make: impl Fn(&ObjectContext) -> O + Send + Sync + 'static,
    ) -> Self {
        let build = move |_: &Build<'_>| -> Result<Arc<dyn Behavior>> {
            Ok(Arc::new(ObjectClass {
                make: Box::new(make),
                options: O::options(),
                data_version: DataVersion::default(),
                check: |_| Ok(()),
            }))
        };
        let build: BuildClass = Box::new(build);
        let (rust_name, name) = (type_name::<O>(), name.into());
        self.classes.push(Registration { rust_name, name, build, migrations: &[], describe: None });
        self
    }

    /// Returns whether no class is registered.
    pub(super) fn has_no_class(&self) -> bool {
        self.classes.is_empty()
    }

    /// Runs the migrations of all classes on an empty database in memory, so that a mistake in one is found
    /// before any agent needs it.
    pub(super) fn check_statements(&self) -> Result<()> {
        let options =
            StoreOptions { statement_timeout: self.limits.statement_timeout, ..StoreOptions::default() };
        for class in &self.classes {
            Migrations::new(class.migrations).check(&options).map_err(|error| {
                let failure = DataFailure::of_tables(&error.into_error());
                let message = format!("{} of `{}`: {}", failure.step, class.rust_name, failure.reason);
                Error::new("migration_invalid", message)
            })?;
        }
        Ok(())
    }

    /// Returns the descriptions of the agents' classes.
    pub(super) fn described(&self) -> impl Iterator<Item = Class> {
        self.classes.iter().filter_map(|class| class.describe).map(|describe| describe())
    }

    /// Sets the function that returns the properties of agents of a class, which are given to `on_start`.
    ///
    /// The function is called once for each agent, when it first starts. The result is stored
    /// and given again at every wake.
    #[must_use]
    pub fn props<A: Agent>(
        mut self,
        props: impl Fn(AgentInfo<'_>) -> Option<A::Props> + Send + Sync + 'static,
    ) -> Self {
        let props: PropsOf<A> = Arc::new(props);
        self.props.insert(TypeId::of::<A>(), Arc::new(props));
        self
    }

    /// Shares a value with all agents whose `env` is of this type, and with the function of
    /// [`authorize`](Self::authorize).
    #[must_use]
    pub fn env<E: Send + Sync + 'static>(mut self, env: E) -> Self {
        self.env.insert(TypeId::of::<E>(), Arc::new(env));
        self
    }

    /// Sets the folder for the databases, `./data` by default.
    #[must_use]
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data = path.into();
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the durability of the writes before an answer is sent; the disk by default.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Makes commits and syncs fail, for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn faults(mut self, faults: Arc<Faults>) -> Self {
        self.faults = Some(faults);
        self
    }

    /// Serves these routes for every path that does not belong to an agent.
    ///
    /// A handler may take the [`Host`] as an argument, and return [`Result`]: an error is answered with its
    /// [status](Error::status). When the compiler says that `Handler` is not satisfied, `docs/reference/commands.md`
    /// has the causes, and `#[axum::debug_handler]` names the one.
    ///
    /// ```
    /// use agents_core::axum::{Router, routing::get};
    /// use agents_core::{Agents, Host};
    ///
    /// async fn awake(host: Host) -> String {
    ///     host.metrics().awake.to_string()
    /// }
    ///
    /// let agents = Agents::new().routes(Router::new().route("/awake", get(awake)));
    /// # let _ = agents;
    /// ```
    #[must_use]
    pub fn routes(self, routes: Router) -> Self {
        self.routes_with(move |_| routes.clone())
    }

    /// Serves routes that use the host, for example its status or its metrics. They replace those of
    /// [`routes`](Self::routes).
    ///
    /// The function runs once for each [`Host::service`], so its routes may hold the host.
    ///
    /// ```
    /// use agents_core::axum::Router;
    /// use agents_core::{Agents, Host};
    ///
    /// fn routes(host: &Host) -> Router {
    ///     // Middleware and services of your own may need the host when they are made.
    ///     Router::new().with_state(host.clone())
    /// }
    ///
    /// let agents = Agents::new().routes_with(routes);
    /// # let _ = agents;
    /// ```
    #[must_use]
    pub fn routes_with(mut self, routes: impl Fn(&Host) -> Router + Send + Sync + 'static) -> Self {
        self.routes = Some(Box::new(routes));
        self
    }

    /// Serves `GET /metrics` on a separate address, for example `127.0.0.1:9187`. Off by default.
    ///
    /// Prometheus reads [`Host::metrics`] there. Nothing else is served on that address. There is no
    /// authentication, so choose an address that only trusted machines reach. The setting applies to
    /// [`run`](Self::run), where `--metrics-addr` replaces it, and to [`serve`](Self::serve). A program with
    /// a server of its own uses [`Host::metrics`].
    #[must_use]
    pub fn metrics(mut self, addr: impl Into<String>) -> Self {
        self.metrics = Some(addr.into());
        self
    }

    /// Starts the host without serving it, to mount [`Host::router`] in a program of your own.
    ///
    /// # Errors
    /// When no tokio runtime runs the caller (code `no_runtime`), the data folder cannot be opened or is in
    /// use, two classes have one name, a class lacks its `env`, a migration is no SQL for an empty database
    /// (`migration_invalid`), or an entry of [`origins`](Self::origins),
    /// [`trusted_proxies`](Self::trusted_proxies) or [`route_to`](Self::route_to) is invalid.
    pub fn start(self) -> Result<Host> {
        open_files::raise();
        self.start_in(Mode::default())
    }

    /// Starts the host in production or in a test.
    pub(crate) fn start_in(mut self, mode: Mode) -> Result<Host> {
        let runtime = Handle::try_current().map_err(|_| {
            let message = "a host needs a tokio runtime: start it in an `async fn` under `#[tokio::main]`, or within \
                           `Runtime::enter`";
            Error::new("no_runtime", message)
        })?;
        if self.has_no_class() {
            events::no_class();
        }
        self.check_statements()?;
        let mut classes: HashMap<String, (&'static str, Arc<dyn Behavior>)> = HashMap::new();
        let build = Build { env: &self.env, props: &self.props };
        for class in self.classes {
            if let Some((other, _)) = classes.get(&class.name) {
                let message = format!("`{other}` and `{}` are both called `{}`", class.rust_name, class.name);
                return Err(Error::new("class_name", message));
            }
            let behavior = (class.build)(&build)?;
            classes.insert(class.name, (class.rust_name, behavior));
        }
        let classes = classes.into_iter().map(|(name, (_, behavior))| (name, behavior)).collect();
        self.access.origins.check()?;
        self.access.proxies = Proxies::parse(&self.access.trusted)?;
        self.access.routes.check(&classes)?;
        if self.access.hook.is_none() {
            self.access.routes.warn_if_passed_by();
        }
        let folder = Arc::new(DataFolder::open(&self.data).map_err(|error| error.into_error())?);
        let store = StoreOptions {
            durability: self.durability,
            state_bytes: self.limits.state_bytes,
            faults: self.faults,
            statement_timeout: self.limits.statement_timeout,
            blocking: blocking(&runtime),
            ..StoreOptions::default()
        };
        let objects = TaskTracker::new();
        let clock = mode.clock;
        let limits = Arc::new(self.limits);
        let gateway = Gateway::start(clock, limits.clone());
        let mut index = AlarmIndex::open(folder.clone(), store.durability, store.faults.clone())
            .map_err(StorageError::into_error)?;
        // Filled before any object is in memory, because the fill wakes objects in memory to ask them.
        while index.is_filling() {
            index.fill(1024).map_err(StorageError::into_error)?;
        }
        let encoded = mode.encoded;
        let environment = Environment {
            folder,
            store,
            clock,
            limits: limits.clone(),
            hints: self.access.hints,
            limit_counts: gateway.totals.limits.clone(),
            incoming: gateway.incoming.clone(),
            outgoing: gateway.outgoing.clone(),
            tasks: objects.clone(),
            runtime: runtime.clone(),
            alarms: AlarmService::new(limits.agents_awake),
            chaos: mode.chaos,
            databases: AtomicUsize::new(0),
            awake_slots: AwakeSlots::new(limits.agents_awake),
            asleep: Notify::new(),
            peers: Arc::default(),
            watchdog: Watchdog::start(runtime),
        };
        let shared = gateway.clone();
        let registry = Registry::new(environment, move |object| {
            let hub = Arc::new(Hub::new(shared.clone(), object));
            let port: Arc<dyn GatewayPort> =
                if encoded { Arc::new(Encoded(hub.clone())) } else { hub.clone() };
            (hub, port)
        });
        let program =
            Program { classes, access: self.access, shared: Arc::new(self.env), routes: self.routes };
        let host = Host::new(registry, gateway, program, objects, encoded, mode.checks);
        host.start_alarms(index);
        if !mode.checks {
            events::started(&self.data, host.classes().collect(), &limits);
        }
        Ok(host)
    }

    /// Runs the program: `serve` (the default), `list`, `types` or `migrate --check`, with `--addr`, `--data`,
    /// `--origin` and `--metrics-addr`, or `--out` and `--check`.
    ///
    /// Serving ends with SIGTERM or Ctrl-C: new connections are refused, running handlers finish, then
    /// sockets close with 1001. Handlers that still block a thread after
    /// [`Limits::shutdown_grace`](crate::Limits::shutdown_grace) are abandoned. The runtime would wait for
    /// their threads, so the process ends with code 0 two seconds after the shutdown of the runtime has
    /// begun.
    ///
    /// # Errors
    /// As [`start`](Self::start) or [`typescript`](Self::typescript), when the address cannot be bound, and
    /// when `types --check` finds a file that is out of date, or `migrate --check` an agent that would not start.
    pub async fn run(self) -> Result<()> {
        command::run(self).await
    }

    /// Serves on an address until SIGTERM or Ctrl-C.
    ///
    /// Call [`agents::log`](crate::log()) before, or install another subscriber of `tracing`. Without one the
    /// log is off, and a warning is written to stderr. [`run`](Self::run) calls `agents::log`.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn serve(self, addr: &str) -> Result<()> {
        serve::serve(self, ListenAddress { text: addr, setting: "" }).await
    }
}

/// Returns the function with which a thread hands its other tasks to another thread while it blocks; `None`
/// for a runtime of one thread.
fn blocking(runtime: &Handle) -> Option<BlockInPlace> {
    let many = runtime.runtime_flavor() == RuntimeFlavor::MultiThread;
    many.then_some(|work| tokio::task::block_in_place(work))
}

fn env_of<A: Agent>(build: &Build<'_>) -> Result<Arc<A::Env>> {
    let given = build.env.get(&TypeId::of::<A::Env>()).cloned();
    let unit: Arc<dyn Any + Send + Sync> = Arc::new(());
    given.unwrap_or(unit).downcast::<A::Env>().map_err(|_| {
        let message = format!(
            "`{}` needs an env of type `{}`: add it with `.env(..)`",
            type_name::<A>(),
            type_name::<A::Env>()
        );
        Error::new("no_env", message)
    })
}

impl Default for Agents {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Agents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let classes: Vec<_> = self.classes.iter().map(|class| &class.name).collect();
        f.debug_struct("Agents").field("classes", &classes).field("data", &self.data).finish_non_exhaustive()
    }
}
