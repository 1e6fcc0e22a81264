//! Read-only connections whose agent loses its memory between any two steps.
//!
//! Each scenario is a list of steps. It runs without interruption, with one interruption of each kind in each
//! gap, and with an interruption in every gap. A small model gives the expected result: flags and attachments
//! live as long as a connection, the state lives as long as the agent.

use agents::prelude::*;
use agents::serde_json::{self, Value};
use agents::testing::{TestConnection, TestHost};

use crate::support::Loss;

const REFUSED: &str = r#"{"type":"cf_agent_state_error","error":"Connection is readonly"}"#;

#[wire]
#[derive(Clone, Default)]
struct Page {
    edits: i64,
}

/// A document. A client with `view` is read-only, and a client with `quiet` gets no protocol frames.
#[agent(state = Page, connection = Value)]
#[derive(Default)]
struct Document;

#[agent]
impl Document {
    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("view").is_some()
    }

    #[hook]
    fn should_send_protocol_messages(&self, req: &ConnectRequest) -> bool {
        req.query("quiet").is_none()
    }

    #[hook]
    fn has_right(&self, conn: &Connection<Self>, right: &str) -> bool {
        right == "editor" && !conn.is_readonly()
    }

    #[callable]
    fn edit(&self, cx: &Context<Self>) -> Result<i64> {
        cx.update_state(|page| {
            page.edits += 1;
            page.edits
        })
    }

    #[callable(require = "editor")]
    fn touch(&self) {}

    #[callable]
    fn get_permissions(&self, cx: &View<Self>, conn: &Connection<Self>) -> Result<Value> {
        let protocol = conn.is_protocol_enabled();
        Ok(json!([!conn.is_readonly(), protocol, conn.try_state()?, cx.state()?.edits]))
    }

    #[callable]
    fn set_my_readonly(&self, conn: &Connection<Self>, readonly: bool) -> Result<()> {
        conn.set_readonly(readonly)
    }

    #[callable]
    fn set_readonly_of(&self, cx: &View<Self>, id: String, readonly: bool) -> Result<()> {
        cx.connection(&id).ok_or_else(|| Error::msg("no connection has this id"))?.set_readonly(readonly)
    }

    #[callable]
    fn upgrade_to_editor(&self, conn: &Connection<Self>, secret: String) -> Result<Value> {
        if secret != "the password" {
            return Err(Error::msg("Insufficient permissions"));
        }
        conn.set_readonly(false)?;
        Ok(json!({ "success": true }))
    }

    #[callable]
    fn keep(&self, conn: &Connection<Self>, value: Value) -> Result<()> {
        conn.set_state(value)
    }
}

/// An action of a client. The first number is that of the client.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Pushes a state.
    Push(usize),
    /// Calls a method that sets the state.
    Edit(usize),
    /// Sets the client's own flag.
    SetMine(usize, bool),
    /// Sets the flag of another client.
    SetTheirs(usize, usize, bool),
    /// Asks to become an editor, with the right or a wrong password.
    Upgrade(usize, bool),
    /// Stores a value with the client's connection.
    Keep(usize, &'static str),
}

use Step::{Edit, Keep, Push, SetMine, SetTheirs, Upgrade};

/// The clients and their actions.
struct Scenario {
    name: &'static str,
    clients: &'static [&'static str],
    steps: &'static [Step],
}

const SCENARIOS: [Scenario; 6] = [
    Scenario {
        name: "a viewer is refused on both paths",
        clients: &["view", ""],
        steps: &[Push(0), Edit(0), Edit(1), Push(0), Push(1), Edit(0)],
    },
    Scenario {
        name: "lock and unlock by another one",
        clients: &["", ""],
        steps: &[
            Edit(0),
            SetTheirs(1, 0, true),
            Edit(0),
            Push(0),
            SetTheirs(1, 0, true),
            Push(0),
            SetTheirs(1, 0, false),
            Edit(0),
            Push(0),
        ],
    },
    Scenario {
        name: "an upgrade",
        clients: &["view"],
        steps: &[Upgrade(0, false), Edit(0), Upgrade(0, true), Edit(0), Push(0), Upgrade(0, true), Push(0)],
    },
    Scenario {
        name: "a client locks itself",
        clients: &["", "view"],
        steps: &[
            SetMine(0, true),
            Push(0),
            Edit(0),
            SetMine(0, false),
            Edit(0),
            SetMine(1, false),
            Edit(1),
            SetMine(1, true),
            Push(1),
        ],
    },
    Scenario {
        name: "a flag beside an attachment",
        clients: &["view", ""],
        steps: &[
            Keep(0, r#"{"readonly":false,"flags":0}"#),
            Push(0),
            Keep(1, r#"{"readonly":true,"_cf_readonly":true}"#),
            Push(1),
            SetMine(0, false),
            Edit(0),
            Keep(0, "null"),
            SetMine(0, true),
            Keep(0, "0"),
            Edit(0),
        ],
    },
    Scenario {
        name: "both flags",
        clients: &["view&quiet", "view", "quiet", ""],
        steps: &[
            Push(0),
            Edit(0),
            Keep(0, r#"[1]"#),
            Push(1),
            Push(2),
            SetMine(0, false),
            Push(0),
            Edit(0),
            SetMine(2, true),
            Push(2),
            Edit(3),
        ],
    },
];

/// The interruptions between two steps.
const INTERRUPTIONS: [Option<Loss>; 4] = {
    let [hibernation, crash, restart] = Loss::ALL;
    [None, Some(hibernation), Some(crash), Some(restart)]
};

/// A client and its expected values.
struct Client {
    query: &'static str,
    socket: TestConnection,
    readonly: bool,
    kept: Value,
}

impl Client {
    fn is_quiet(query: &str) -> bool {
        query.contains("quiet")
    }

    /// Connects. The hook decides about every new connection.
    async fn connect(host: &TestHost, index: usize, query: &'static str) -> Self {
        let object = host.agent::<Document>("one");
        let mut socket = object.connect(&format!("_pk=c{index}&{query}")).await;
        if !Self::is_quiet(query) {
            socket.greeting().await;
        }
        Self { query, socket, readonly: query.contains("view"), kept: json!(null) }
    }
}

struct Stage {
    host: TestHost,
    clients: Vec<Client>,
    edits: i64,
    /// The position in the scenario, for messages.
    at: String,
}

impl Stage {
    async fn start(scenario: &Scenario) -> Self {
        let host = TestHost::start(|| Agents::new().register::<Document>()).expect("the host starts");
        let mut clients = Vec::new();
        for (index, query) in scenario.clients.iter().enumerate() {
            clients.push(Client::connect(&host, index, query).await);
        }
        Self { host, clients, edits: 0, at: String::new() }
    }

    async fn interrupt(mut self, loss: Option<Loss>) -> Self {
        let Some(loss) = loss else { return self };
        self.host = loss.happen(self.host, "document", "one").await;
        if loss != Loss::Hibernation {
            for (index, client) in self.clients.iter_mut().enumerate() {
                client.socket.end().await;
                *client = Client::connect(&self.host, index, client.query).await;
            }
        }
        self
    }

    async fn step(&mut self, step: Step) {
        let (edits, at) = (self.edits, &*self.at);
        match step {
            Push(index) => {
                let client = &mut self.clients[index];
                client.socket.drain().await;
                let state = json!({ "edits": edits + 100 });
                client.socket.send(json!({ "type": "cf_agent_state", "state": state }).to_string()).await;
                if client.readonly {
                    assert_eq!(client.socket.next().await.text(), REFUSED, "{at}");
                } else {
                    self.edits += 100;
                }
                assert_eq!(client.socket.drain().await, [], "{at}");
            }
            Edit(index) => {
                let client = &mut self.clients[index];
                if client.readonly {
                    assert_eq!(client.socket.call_error("edit", ()).await, "Connection is readonly", "{at}");
                } else {
                    assert_eq!(client.socket.call::<i64>("edit", ()).await, edits + 1, "{at}");
                    self.edits += 1;
                }
            }
            SetMine(index, readonly) => {
                let client = &mut self.clients[index];
                client.socket.call::<()>("setMyReadonly", (readonly,)).await;
                client.readonly = readonly;
            }
            SetTheirs(index, other, readonly) => {
                let id = format!("c{other}");
                self.clients[index].socket.call::<()>("setReadonlyOf", (id, readonly)).await;
                self.clients[other].readonly = readonly;
            }
            Upgrade(index, true) => {
                let client = &mut self.clients[index];
                let answer: Value = client.socket.call("upgradeToEditor", ("the password",)).await;
                assert_eq!(answer, json!({ "success": true }));
                client.readonly = false;
            }
            Upgrade(index, false) => {
                let error = self.clients[index].socket.call_error("upgradeToEditor", ("a guess",)).await;
                assert_eq!(error, "Insufficient permissions");
            }
            Keep(index, json) => {
                let client = &mut self.clients[index];
                client.kept = serde_json::from_str(json).expect("JSON");
                client.socket.call::<()>("keep", (&client.kept,)).await;
            }
        }
    }

    /// Checks all expected values, with each client.
    async fn check(&mut self) {
        for client in &mut self.clients {
            let told: Value = client.socket.call("getPermissions", ()).await;
            let quiet = Client::is_quiet(client.query);
            assert_eq!(told, json!([!client.readonly, !quiet, client.kept, self.edits]), "{}", self.at);
            let touched = client.socket.call_frame("touch", ()).await;
            assert_eq!(touched["success"], !client.readonly, "{}", self.at);
        }
    }
}

/// Runs a scenario with an interruption before some steps.
async fn run(scenario: &Scenario, loss: Option<Loss>, before: impl Fn(usize) -> bool) {
    let mut stage = Stage::start(scenario).await;
    for (index, step) in scenario.steps.iter().enumerate() {
        if before(index) {
            stage = stage.interrupt(loss).await;
        }
        stage.at = format!("{}, {loss:?}, step {index}: {step:?}", scenario.name);
        stage.step(*step).await;
    }
    stage = stage.interrupt(loss).await;
    stage.check().await;
}

// S94, S114, S117, S118, S125, S127, S128, S137, S152, S160, S161, S163, S166, S167, S168
#[tokio::test(start_paused = true)]
async fn s160_readonly_holds_over_every_interruption() {
    for scenario in &SCENARIOS {
        for loss in INTERRUPTIONS {
            run(scenario, loss, |_| true).await;
        }
    }
}

/// Runs each scenario with one interruption of a kind in each gap.
async fn anywhere(loss: Loss) {
    for scenario in &SCENARIOS {
        for gap in 0..scenario.steps.len() {
            run(scenario, Some(loss), |index| index == gap).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s160_readonly_holds_over_one_hibernation_anywhere() {
    anywhere(Loss::Hibernation).await;
}

#[tokio::test(start_paused = true)]
async fn s125_the_hook_decides_anew_after_one_crash_anywhere() {
    anywhere(Loss::Crash).await;
}

#[tokio::test(start_paused = true)]
async fn s125_the_hook_decides_anew_after_one_restart_anywhere() {
    anywhere(Loss::Restart).await;
}
