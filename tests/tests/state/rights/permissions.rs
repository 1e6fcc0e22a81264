//! Patterns of permissions: roles, tenants, upgrades, a game with seats, and the origin of a client.

use agents::prelude::*;
use agents::serde_json::Value;
use agents_tests::{Client, Received, TestServer};

#[wire]
#[derive(Clone, Default)]
struct Game {
    players: Vec<String>,
    round: u32,
}

/// A game for four. A connection with `role` viewer, guest or observer is read-only, and a foreign `origin`
/// is refused.
#[agent(state = Game)]
#[derive(Default)]
struct Table;

#[agent]
impl Table {
    /// Cookies are sent by every page, so a page of another origin needs a token.
    #[hook]
    fn authorize(&self, req: &ConnectRequest) -> Result<(), Refusal> {
        match req.header("origin") {
            None | Some("https://ours.example") => Ok(()),
            Some(_) if req.query("token").as_deref() == Some("let me in") => Ok(()),
            Some(_) => Err(Refusal::forbidden("this page may not")),
        }
    }

    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        let role = req.query("role").unwrap_or_default();
        let tenant = req.query("tenant").unwrap_or_default();
        matches!(&*role, "viewer" | "guest" | "observer") || tenant == "free"
    }

    #[callable]
    fn get_my_permissions(&self, conn: Option<&Connection<Self>>) -> Option<Value> {
        conn.map(|conn| json!({ "canEdit": !conn.is_readonly(), "connectionId": conn.id() }))
    }

    #[callable]
    fn start_spectator_mode(&self, conn: &Connection<Self>) -> Result<Value> {
        conn.set_readonly(true)?;
        Ok(json!({ "mode": "spectator" }))
    }

    #[callable]
    fn join_as_player(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<Value> {
        if cx.state()?.players.len() >= 4 {
            return Err(Error::msg("Game is full"));
        }
        conn.set_readonly(false)?;
        cx.update_state(|game| game.players.push(conn.id().to_owned()))?;
        Ok(json!({ "mode": "player" }))
    }

    #[callable]
    fn upgrade_to_editor(&self, conn: &Connection<Self>, secret: String) -> Result<Value> {
        if secret != "the password" {
            return Err(Error::msg("Insufficient permissions"));
        }
        conn.set_readonly(false)?;
        Ok(json!({ "success": true }))
    }

    /// Changes the state first: if that is refused, no other effect has happened.
    #[callable]
    fn deal(&self, cx: &Context<Self>, cards: Vec<String>) -> Result<u64> {
        cx.update_state(|game| game.players.extend(cards.iter().cloned()))?;
        cx.storage().put("dealt", &cards)?;
        cx.broadcast("the cards are dealt")?;
        Ok(cards.len() as u64)
    }

    #[callable]
    fn dealt(&self, cx: &View<Self>) -> Result<Vec<String>> {
        Ok(cx.storage().get("dealt")?.unwrap_or_default())
    }

    #[callable]
    fn next_round(&self, cx: &Context<Self>) -> Result<u32> {
        cx.update_state(|game| {
            game.round += 1;
            game.round
        })
    }
}

/// A dashboard: only a connection with `admin=true` may change it.
#[agent(state = Game)]
#[derive(Default)]
struct Dashboard;

#[agent]
impl Dashboard {
    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("admin").as_deref() != Some("true")
    }

    #[callable(write)]
    fn reset(&self, cx: &Context<Self>) -> Result<()> {
        cx.set_state(Game { players: Vec::new(), round: 0 })
    }
}

async fn server() -> TestServer {
    TestServer::start(Agents::new().register::<Table>().register::<Dashboard>().cors(true)).await
}

async fn player(server: &TestServer, query: &str) -> Client {
    server.join(&format!("/agents/table/a?{query}"), true).await
}

#[tokio::test]
async fn s120_s121_s122_roles_and_tenants_look_on() {
    let server = server().await;
    for query in ["role=viewer", "role=guest", "role=observer", "tenant=free", "tenant=free&role=player"] {
        let mut client = player(&server, query).await;
        assert_eq!(client.call_error("nextRound", json!([])).await, "Connection is readonly", "{query}");
    }
    let mut observer = player(&server, "role=observer").await;
    for (round, query) in [(1, "role=player"), (2, "tenant=paying"), (3, ""), (4, "role=Viewer")] {
        let mut client = player(&server, query).await;
        assert_eq!(client.call("nextRound", json!([])).await, round, "{query}");
        assert_eq!(observer.json().await["state"]["round"], round, "the observer sees it all");
    }
}

#[tokio::test]
async fn s152_an_upgrade_needs_its_secret() {
    let server = server().await;
    let mut guest = player(&server, "role=guest").await;
    assert_eq!(guest.call_error("upgradeToEditor", json!(["a guess"])).await, "Insufficient permissions");
    assert_eq!(guest.call_error("nextRound", json!([])).await, "Connection is readonly");
    assert_eq!(guest.call("upgradeToEditor", json!(["the password"])).await, json!({ "success": true }));
    assert_eq!(guest.call("nextRound", json!([])).await, 1);
    // The upgrade belonged to the first connection only.
    let mut another = player(&server, "role=guest").await;
    assert_eq!(another.call_error("nextRound", json!([])).await, "Connection is readonly");
}

#[tokio::test]
async fn s153_only_the_admin_of_a_dashboard_writes() {
    let server = server().await;
    let mut admin = server.join("/agents/dashboard/a?admin=true", true).await;
    let mut guest = server.join("/agents/dashboard/a?admin=TRUE", true).await;
    assert_eq!(guest.call_error("reset", json!([])).await, "Connection is readonly");
    admin.call("reset", json!([])).await;
    assert_eq!(guest.json().await["type"], "cf_agent_state");
}

#[tokio::test]
async fn s136_s156_the_fifth_player_looks_on() {
    let server = server().await;
    let mut players = Vec::new();
    for n in 0..4 {
        let mut client = player(&server, &format!("role=viewer&_pk=p{n}")).await;
        assert_eq!(client.call("joinAsPlayer", json!([])).await, json!({ "mode": "player" }));
        players.push(client);
    }
    let mut fifth = player(&server, "role=viewer&_pk=p4").await;
    assert_eq!(fifth.call_error("joinAsPlayer", json!([])).await, "Game is full");
    assert_eq!(fifth.call_error("nextRound", json!([])).await, "Connection is readonly");
    let first = &mut players[0];
    assert_eq!(first.call("nextRound", json!([])).await, 1);
    assert_eq!(first.call("startSpectatorMode", json!([])).await, json!({ "mode": "spectator" }));
    assert_eq!(first.call_error("nextRound", json!([])).await, "Connection is readonly");
    assert_eq!(players[1].call("nextRound", json!([])).await, 2);
    let mut late = server.connect("/agents/table/a").await;
    let state = late.greeting(true).await.expect("a state");
    assert_eq!(state, json!({ "players": ["p0", "p1", "p2", "p3"], "round": 2 }));
}

#[tokio::test]
async fn s139_s157_a_client_asks_for_its_permissions() {
    let server = server().await;
    let mut viewer = player(&server, "role=viewer&_pk=v").await;
    let mut editor = player(&server, "_pk=e").await;
    let permissions = |can_edit, id| json!({ "canEdit": can_edit, "connectionId": id });
    assert_eq!(viewer.call("getMyPermissions", json!([])).await, permissions(false, "v"));
    assert_eq!(editor.call("getMyPermissions", json!([])).await, permissions(true, "e"));
    editor.call("startSpectatorMode", json!([])).await;
    assert_eq!(editor.call("getMyPermissions", json!([])).await, permissions(false, "e"));
}

#[tokio::test]
async fn s113_a_foreign_page_needs_a_token() {
    let server = server().await;
    let connect = async |query: &str, origin: &str| {
        let path = format!("/agents/table/a?{query}");
        Client::connect(server.addr(), &path, &[("origin", origin)]).await
    };
    let refused = Received::Close(4403, "this page may not".to_owned());
    assert_eq!(connect("", "https://theirs.example").await.next().await, refused, "and not one frame before");
    assert_eq!(connect("token=wrong", "https://theirs.example").await.next().await, refused);
    assert_eq!(connect("", "null").await.next().await, refused);
    for (query, origin) in [("", "https://ours.example"), ("token=let+me%20in", "https://theirs.example")] {
        let mut client = connect(query, origin).await;
        client.greeting(true).await;
        assert!(client.call("nextRound", json!([])).await.is_u64());
    }
}

#[tokio::test]
async fn s113_a_preflight_over_http_is_answered() {
    let server = server().await;
    let client = reqwest::Client::new();
    let request = client.request(reqwest::Method::OPTIONS, server.url("/agents/table/a"));
    let answer = request.header("origin", "https://theirs.example").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let header =
        |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    assert_eq!(header("access-control-allow-origin").as_deref(), Some("*"));
    assert_eq!(
        header("access-control-allow-methods").as_deref(),
        Some("GET, POST, HEAD, OPTIONS, PUT, PATCH, DELETE")
    );
    assert_eq!(header("access-control-allow-headers").as_deref(), Some("*"));
    assert_eq!(header("access-control-max-age").as_deref(), Some("86400"));
    assert_eq!(answer.text().await.expect("a body"), "");
}

#[tokio::test]
async fn s150_a_client_asks_before_it_acts() {
    let server = server().await;
    for (query, acted) in [("role=viewer", false), ("role=player", true)] {
        let mut client = player(&server, query).await;
        let permissions = client.call("getMyPermissions", json!([])).await;
        if permissions["canEdit"] == true {
            client.call("nextRound", json!([])).await;
        }
        let round =
            server.connect("/agents/table/a").await.greeting(true).await.expect("a state")["round"].clone();
        assert_eq!(round, u32::from(acted));
    }
}

#[tokio::test]
async fn s173_s175_with_the_state_first_a_refusal_leaves_nothing_behind() {
    let server = server().await;
    let mut viewer = player(&server, "role=viewer").await;
    let mut editor = player(&server, "").await;
    assert_eq!(viewer.call_error("deal", json!([["a", "b"]])).await, "Connection is readonly");
    assert_eq!(viewer.call("dealt", json!([])).await, json!([]));
    assert_eq!((viewer.drain().await, editor.drain().await), (vec![], vec![]));
    for (cards, players) in [(json!(["a", "b"]), json!(["a", "b"])), (json!(["c"]), json!(["a", "b", "c"]))] {
        editor.call("deal", json!([cards])).await;
        // The whole value is sent, before later messages.
        let state = json!({ "players": players, "round": 0 });
        assert_eq!(viewer.json().await, json!({ "type": "cf_agent_state", "state": state }));
        assert_eq!(viewer.next().await.text(), "the cards are dealt");
        assert_eq!(viewer.call("dealt", json!([])).await, cards);
    }
}

/// Checks at compile time that setting the state is not a future, and that its result must be used.
#[test]
fn s131_s174_setting_the_state_is_done_when_it_returns() {
    let set: fn(&Context<Table>, Game) -> Result<()> = Context::set_state;
    let ask: fn(&Context<Table>) -> Result<()> = Context::require_writable;
    let current: fn() -> Option<Context<Table>> = agents::current;
    assert!(current().is_none(), "S131: there is no context outside of a call");
    let _ = (set, ask);
}
