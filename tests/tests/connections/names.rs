//! One name, one agent: every client and every method that takes a name maps all spellings of the name to one
//! agent.
//!
//! `tests/names.json` contains the names. The tests of the clients in TypeScript and JavaScript read the file
//! too.

use std::collections::BTreeSet;

use agents::client::AgentClient;
use agents::prelude::*;
use agents::serde_json::{self, Value};
use agents::testing::DataFolder;
use agents::testing::TestHost;
use agents::wire::name;
use agents_tests::{Received, TestServer, patient};

#[wire]
#[derive(Clone, Default)]
struct Visits {
    count: u32,
}

#[agent(state = Visits)]
#[derive(Default)]
struct Visited;

#[agent]
impl Visited {
    #[callable]
    fn visit(&self, cx: &Context<Self>) -> Result<(String, u32)> {
        cx.update_state(|visits| visits.count += 1)?;
        Ok((cx.name().to_owned(), cx.state()?.count))
    }

    #[callable]
    async fn visit_other(&self, cx: &Context<Self>, other: String) -> Result<(String, u32)> {
        cx.agent::<Self>(other).visit().await
    }

    #[callable]
    fn name_of_stub(&self, cx: &Context<Self>, other: String) -> String {
        cx.agent::<Self>(other).name().to_owned()
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _: Request) -> Result<String> {
        let visit = self.visit(cx)?;
        Ok(serde_json::to_string(&visit)?)
    }
}

/// A name, and the texts that lead to its agent.
#[wire]
struct Name {
    /// The form of the name that the agent sees.
    form: String,
    /// The name as plain text.
    plain: String,
    /// Texts that all clients accept, including clients that put the text into an address unchanged.
    spellings: Vec<String>,
    /// Texts for clients that escape the name.
    #[serde(default)]
    escaping: Vec<String>,
}

#[wire]
struct Table {
    names: Vec<Name>,
    none: Vec<String>,
    dots: Vec<String>,
}

fn table() -> Table {
    serde_json::from_str(include_str!("../../names.json")).expect("the table of names")
}

async fn by_query(request: ConnectRequest) -> Result<String, Refusal> {
    request.query("name").map(Into::into).ok_or_else(|| Refusal::not_found("no name"))
}

fn agents() -> Agents {
    let named = async |incoming: AdmissionRequest| -> Result<Admission, Refusal> {
        // The stub is created with the form of the name, no matter how the address is spelled.
        assert_eq!(name::canonical(incoming.name()).as_deref(), Ok(incoming.name()));
        Ok(match incoming.request().query("named") {
            Some(name) => Admission::pass().named(name),
            None => Admission::pass(),
        })
    };
    Agents::new().register::<Visited>().route_to::<Visited>("/mine", by_query).authorize(named)
}

/// Escapes a text as the value of a query.
fn query(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Sends a request as a browser does: a URL parser normalises the path first.
async fn get(server: &TestServer, path: &str) -> Value {
    let answer = patient(reqwest::get(server.url(path))).await.expect("an answer");
    let text = patient(answer.text()).await.expect("a body");
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {text}"))
}

#[tokio::test]
async fn all_spellings_lead_to_one_agent_from_every_door() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start_in(agents(), data.path()).await;
    let Table { names, none, dots } = table();
    let url = server.url("");
    for Name { form, plain, spellings, escaping } in &names {
        let mut visits = 0;
        let mut visited = |door: &str, spelling: &str, got: Value| {
            visits += 1;
            assert_eq!(got, json!([form, visits]), "{door} with {spelling:?}");
        };
        for spelling in spellings {
            visited("HTTP", spelling, get(&server, &format!("/agents/visited/{spelling}?x=1")).await);
            let path = format!("/agents/visited/{}?x=1", spelling.replace(' ', "%20"));
            // This client has no URL parser, so it sends the text unchanged if a request may contain it.
            if path.is_ascii() && path.parse::<agents::http::Uri>().is_ok() {
                let mut client = server.connect(&path).await;
                assert_eq!(client.json().await["name"], **form, "the identity");
                visited("a socket", spelling, client.call("visit", json!([])).await);
            }
        }
        for spelling in spellings.iter().chain(escaping) {
            let client =
                patient(AgentClient::<Visited>::connect(&url, spelling)).await.expect("a connection");
            visited("the client in Rust", spelling, json!(client.visit().await.expect("a visit")));
            assert_eq!(client.identity().await.expect("an identity").name, *form);
            let stub = server.host().get::<Visited>(spelling.as_str());
            assert_eq!(stub.name(), form);
            visited("Host::get", spelling, json!(stub.visit().await.expect("a visit")));
            let between = server.host().get::<Visited>("between");
            visited(
                "Context::agent",
                spelling,
                json!(between.visit_other(spelling.clone()).await.expect("a visit")),
            );
            assert_eq!(between.name_of_stub(spelling.clone()).await.expect("a name"), *form);
            let status = server.host().status("visited", spelling);
            assert!(status.is_some(), "Host::status with {spelling:?}");
        }
        // A program passes names as plain text.
        let asked = query(plain);
        visited("route_to", plain, get(&server, &format!("/mine?name={asked}")).await);
        visited("Admission::named", plain, get(&server, &format!("/agents/visited/x?named={asked}")).await);
        let escaped = server.host().get::<Visited>(name::escape(plain));
        visited("escape", plain, json!(escaped.visit().await.expect("a visit")));
    }
    for text in none.iter().chain(&dots) {
        let error = server.host().get::<Visited>(text.as_str()).visit().await.expect_err("it is no name");
        assert_eq!(error.code(), "unknown_agent", "{text}");
        assert_eq!(AgentClient::<Visited>::connect(&url, text).await.expect_err("no name").code(), "address");
        assert!(server.host().status("visited", text).is_none());
        let path = format!("/agents/visited/{}", text.replace('ü', "%c3%bc"));
        let refused = Received::Close(4400, "Invalid name".to_owned());
        assert_eq!(server.connect(&path).await.next().await, refused, "{text}");
    }
    // The data folder contains the same names, and no others.
    server.shutdown().await;
    let found: BTreeSet<String> =
        DataFolder::objects(&data).expect("a folder").map(|object| object.expect("an object").1).collect();
    assert_eq!(found, names.into_iter().map(|name| name.form).collect());
}

#[tokio::test(start_paused = true)]
async fn a_host_of_a_test_knows_the_same_names() {
    let host = TestHost::start(agents).expect("a host");
    for Name { form, spellings, escaping, .. } in table().names {
        for spelling in spellings.iter().chain(&escaping) {
            let mut client = host.agent::<Visited>(spelling).connect("").await;
            assert_eq!(client.json().await["name"], *form);
        }
    }
}
