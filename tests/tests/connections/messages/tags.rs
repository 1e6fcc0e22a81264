//! Tags: they are set once, they are limited, and they select a part of the connections.

use agents::prelude::*;
use agents_tests::{Client, Received, Recorder, TestServer, recorder};

#[agent(env = Recorder)]
#[derive(Default)]
struct Club;

#[agent]
impl Club {
    /// Returns the roles of the documentation, and the tags that a test asks for.
    #[hook]
    fn connection_tags(&self, conn: &Connection<Self>, req: &ConnectRequest) -> Vec<String> {
        let mut tags = Vec::new();
        let role = req.query("role").unwrap_or_default();
        if role == "admin" {
            tags.push("admin".to_owned());
        }
        if role == "moderator" {
            tags.push("moderator".to_owned());
        }
        if let Some(given) = req.query("tags") {
            tags.extend(given.split(',').map(str::to_owned));
        }
        if req.query("own").is_some() {
            tags.push(conn.id().to_owned());
        }
        tags
    }

    #[hook]
    fn on_connect(&self, cx: &Context<Self>, conn: &Connection<Self>) {
        cx.env().note(json!(["connect", conn.id()]));
    }

    #[hook]
    fn on_close(&self, cx: &Context<Self>, conn: &Connection<Self>) {
        cx.env().note(json!(["close", conn.id(), conn.tags()]));
    }

    #[hook]
    fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) {
        let id = match &error {
            AgentError::Connection { connection, .. } => Some(connection.id()),
            _ => None,
        };
        cx.env().note(json!(["error", id, error.error().to_string()]));
    }

    #[callable]
    fn my_tags(&self, conn: &Connection<Self>) -> Vec<String> {
        conn.tags().to_vec()
    }

    #[callable]
    fn tagged(&self, cx: &View<Self>, tag: String) -> Vec<String> {
        cx.connections_tagged(&tag).map(|conn| conn.id().to_owned()).collect()
    }

    #[callable]
    fn notify(&self, cx: &Context<Self>, tag: String, text: String) -> Result<()> {
        for conn in cx.connections_tagged(&tag) {
            conn.send(text.as_str())?;
        }
        Ok(())
    }
}

async fn club() -> (TestServer, agents_tests::Notes) {
    let (recorder, notes) = recorder();
    (TestServer::start(Agents::new().register::<Club>().env(recorder)).await, notes)
}

async fn join(server: &TestServer, query: &str) -> Client {
    server.join(&format!("/agents/club/one?{query}"), false).await
}

#[tokio::test]
async fn s31_s32_s45_the_id_is_the_first_tag() {
    let (server, mut notes) = club().await;
    let mut plain = join(&server, "_pk=plain").await;
    assert_eq!(plain.call("myTags", json!([])).await, json!(["plain"]));
    let mut tagged = join(&server, "_pk=tagged&tags=x,y").await;
    assert_eq!(tagged.call("myTags", json!([])).await, json!(["tagged", "x", "y"]));
    // The hook returned the id and a tag twice.
    let mut twice = join(&server, "_pk=twice&tags=x,y,x&own").await;
    assert_eq!(twice.call("myTags", json!([])).await, json!(["twice", "x", "y"]));
    let mut random = join(&server, "tags=x").await;
    let tags = random.call("myTags", json!([])).await;
    assert_eq!(tags[0].as_str().map(str::len), Some(21), "{tags}");

    notes.so_far();
    twice.close(None).await;
    assert_eq!(notes.next().await, json!(["close", "twice", ["twice", "x", "y"]]));
}

#[tokio::test]
async fn s44_s48_s49_tags_reach_a_part_of_the_connections() {
    let (server, _notes) = club().await;
    let mut admin = join(&server, "role=admin&_pk=a1").await;
    let mut second = join(&server, "role=admin&_pk=a2").await;
    let mut moderator = join(&server, "role=moderator&_pk=m").await;
    let mut plain = join(&server, "role=intruder&_pk=n").await;
    let mut elsewhere = server.join("/agents/club/two?role=admin", false).await;

    assert_eq!(plain.call("tagged", json!(["admin"])).await, json!(["a1", "a2"]));
    assert_eq!(plain.call("tagged", json!(["moderator"])).await, json!(["m"]));
    assert_eq!(plain.call("tagged", json!(["n"])).await, json!(["n"]), "an id is a tag");
    for tag in ["intruder", "", "Admin", "adm"] {
        assert_eq!(plain.call("tagged", json!([tag])).await, json!([]), "{tag}");
    }

    plain.call("notify", json!(["admin", "for admins"])).await;
    plain.call("notify", json!(["m", "for m"])).await;
    let text = |text: &str| [Received::Text(text.to_owned())];
    assert_eq!(admin.drain().await, text("for admins"));
    assert_eq!(second.drain().await, text("for admins"));
    assert_eq!(moderator.drain().await, text("for m"));
    assert_eq!(plain.drain().await, []);
    assert_eq!(elsewhere.drain().await, []);

    admin.close(None).await;
    assert_eq!(plain.call("tagged", json!(["admin"])).await, json!(["a2"]));
}

#[tokio::test]
async fn s46_s47_tags_within_the_limits_are_taken() {
    let (server, _notes) = club().await;
    let nine = "1,2,3,4,5,6,7,8,9";
    for tags in [
        nine.to_owned(),
        // Repeated tags and the id do not count.
        format!("{nine},1,2,3,me"),
        "x".repeat(256),
        // These are 64 characters of 4 bytes, which is 256 bytes.
        "%F0%9F%A6%80".repeat(64),
    ] {
        let mut client = join(&server, &format!("_pk=me&tags={tags}")).await;
        let given = client.call("myTags", json!([])).await;
        let expected = if tags.starts_with('1') { 10 } else { 2 };
        assert_eq!(given.as_array().map(Vec::len), Some(expected), "{given}");
        client.close(None).await;
    }
}

#[tokio::test]
async fn s46_s47_tags_over_the_limits_close_the_connection() {
    let (server, mut notes) = club().await;
    let ten = "1,2,3,4,5,6,7,8,9,10";
    for (tags, says) in [
        (ten.to_owned(), "at most 9 tags"),
        ("x".repeat(257), "at most 256 bytes"),
        ("%F0%9F%A6%80".repeat(65), "at most 256 bytes"),
        ("a,,b".to_owned(), "must not be empty"),
    ] {
        let mut client = server.connect(&format!("/agents/club/one?_pk=me&tags={tags}")).await;
        // No frame is sent before the close.
        let Received::Close(1011, reason) = client.next().await else { panic!("no close with 1011") };
        assert!(reason.contains(says), "{reason}");
        assert_eq!(client.next().await, Received::Dropped);
        assert_eq!(notes.next().await, json!(["error", "me", reason]));
    }
    // None of these clients was ever connected, so none was closed.
    let mut client = join(&server, "_pk=good").await;
    assert_eq!(notes.next().await, json!(["connect", "good"]));
    assert_eq!(client.call("tagged", json!(["me"])).await, json!([]));
    assert_eq!(notes.so_far().len(), 0);
}
