//! The list of hooks, with the arguments that each may take.

/// The arguments and the result of a hook.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// Presence of `&Connection<Self>`.
    pub(crate) connection: Presence,
    /// Presence of `&ConnectRequest`.
    pub(crate) request: Presence,
    pub(crate) payload: Payload,
    pub(crate) gives: Gives,
    /// The whole signature, as messages show it.
    pub(crate) signature: &'static str,
}

/// The presence of a value when the hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Never,
    Sometimes,
    Always,
}

/// The owned argument of a hook.
#[derive(Debug)]
pub(crate) enum Payload {
    Nothing,
    /// A type of the runtime.
    Event {
        ty: &'static str,
        generic: bool,
        required: bool,
    },
    /// `Option<Props>` of the agent.
    Props,
    /// A request, or any number of values that are extracted from it.
    Request,
    /// `&State`, and optionally `&StateSource<Self>`.
    NextState,
    /// `&str`: the name of a right.
    Right,
    /// `u32` and `serde_json::Value`: a version, and the state of that version.
    OldState,
}

/// The use of the returned value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gives {
    /// Nothing, or a `Result` of it.
    Done,
    /// Nothing or the connection's state, or a refusal.
    Admission,
    Tags,
    Flag,
    Http,
    /// The state, or a `Result` of it.
    State,
}

const fn event(ty: &'static str) -> Payload {
    Payload::Event { ty, generic: false, required: true }
}

const fn event_of_agent(ty: &'static str) -> Payload {
    Payload::Event { ty, generic: true, required: true }
}

/// All hooks, in the order in which a connection causes them.
pub(crate) const RULES: [Rule; 17] = [
    Rule {
        name: "migrate",
        connection: Presence::Never,
        request: Presence::Never,
        payload: Payload::OldState,
        gives: Gives::State,
        signature: "fn migrate(&self, cx: &Context<Self>, from: u32, old: serde_json::Value) -> Result<State>",
    },
    Rule {
        name: "on_start",
        connection: Presence::Never,
        request: Presence::Never,
        payload: Payload::Props,
        gives: Gives::Done,
        signature: "async fn on_start(&mut self, cx: &Context<Self>, props: Option<Props>) -> Result<()>",
    },
    Rule {
        name: "authorize",
        connection: Presence::Never,
        request: Presence::Always,
        payload: Payload::Nothing,
        gives: Gives::Admission,
        signature: "async fn authorize(&self, cx: &Context<Self>, request: &ConnectRequest) -> Result<(), Refusal>",
    },
    Rule {
        name: "connection_tags",
        connection: Presence::Always,
        request: Presence::Always,
        payload: Payload::Nothing,
        gives: Gives::Tags,
        signature: "fn connection_tags(&self, cx: &Context<Self>, conn: &Connection<Self>, request: &ConnectRequest) \
                    -> Vec<String>",
    },
    Rule {
        name: "should_connection_be_readonly",
        connection: Presence::Always,
        request: Presence::Always,
        payload: Payload::Nothing,
        gives: Gives::Flag,
        signature: "fn should_connection_be_readonly(&self, cx: &Context<Self>, conn: &Connection<Self>, request: \
                    &ConnectRequest) -> bool",
    },
    Rule {
        name: "should_send_protocol_messages",
        connection: Presence::Always,
        request: Presence::Always,
        payload: Payload::Nothing,
        gives: Gives::Flag,
        signature: "fn should_send_protocol_messages(&self, cx: &Context<Self>, conn: &Connection<Self>, request: \
                    &ConnectRequest) -> bool",
    },
    Rule {
        name: "on_connect",
        connection: Presence::Always,
        request: Presence::Always,
        payload: Payload::Nothing,
        gives: Gives::Done,
        signature: "async fn on_connect(&self, cx: &Context<Self>, conn: &Connection<Self>, request: &ConnectRequest) \
                    -> Result<()>",
    },
    Rule {
        name: "on_message",
        connection: Presence::Always,
        request: Presence::Never,
        payload: event("Message"),
        gives: Gives::Done,
        signature: "async fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, message: Message) -> \
                    Result<()>",
    },
    Rule {
        name: "has_right",
        connection: Presence::Always,
        request: Presence::Never,
        payload: Payload::Right,
        gives: Gives::Flag,
        signature: "async fn has_right(&self, cx: &View<Self>, conn: &Connection<Self>, right: &str) -> bool",
    },
    Rule {
        name: "on_close",
        connection: Presence::Always,
        request: Presence::Never,
        payload: Payload::Event { ty: "Close", generic: false, required: false },
        gives: Gives::Done,
        signature: "async fn on_close(&self, cx: &Context<Self>, conn: &Connection<Self>, close: Close) -> Result<()>",
    },
    Rule {
        name: "on_error",
        connection: Presence::Sometimes,
        request: Presence::Never,
        payload: event_of_agent("AgentError"),
        gives: Gives::Done,
        signature: "async fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) -> Result<()>",
    },
    Rule {
        name: "on_request",
        connection: Presence::Never,
        request: Presence::Never,
        payload: Payload::Request,
        gives: Gives::Http,
        signature: "async fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<Response>",
    },
    Rule {
        name: "validate_state_change",
        connection: Presence::Never,
        request: Presence::Never,
        payload: Payload::NextState,
        gives: Gives::Done,
        signature: "fn validate_state_change(&self, next: &State, source: &StateSource<Self>) -> Result<()>",
    },
    Rule {
        name: "on_state_changed",
        connection: Presence::Sometimes,
        request: Presence::Never,
        payload: event_of_agent("StateChange"),
        gives: Gives::Done,
        signature: "async fn on_state_changed(&self, cx: &Context<Self>, change: StateChange<Self>) -> Result<()>",
    },
    Rule {
        name: "on_state_rejected",
        connection: Presence::Sometimes,
        request: Presence::Never,
        payload: event_of_agent("StateRejection"),
        gives: Gives::Done,
        signature: "async fn on_state_rejected(&self, cx: &Context<Self>, rejection: StateRejection<Self>) -> \
                    Result<()>",
    },
    Rule {
        name: "on_alarm",
        connection: Presence::Never,
        request: Presence::Never,
        payload: Payload::Event { ty: "AlarmInfo", generic: false, required: false },
        gives: Gives::Done,
        signature: "async fn on_alarm(&self, cx: &Context<Self>, alarm: AlarmInfo) -> Result<()>",
    },
    Rule {
        name: "on_hibernate",
        connection: Presence::Never,
        request: Presence::Never,
        payload: Payload::Nothing,
        gives: Gives::Done,
        signature: "async fn on_hibernate(&self, cx: &Context<Self>) -> Result<()>",
    },
];

/// Returns the rule of a hook.
pub(crate) fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// Returns all names, for messages.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.name)
}
