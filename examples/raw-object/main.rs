//! A chat on the layer below agents: sockets with tags and attachments, SQL, an auto-response, an alarm, and
//! hibernation.
//!
//! `cargo run --example raw-object`, then open the address it prints. The page shows three guests, and
//! whether the object that serves them is in memory.

use std::time::{Duration, UNIX_EPOCH};

use agents::axum::extract::{Query, State};
use agents::axum::response::{Html, IntoResponse};
use agents::axum::{Json, Router, routing::get};
use agents::http::StatusCode;
use agents::object::AlarmInfo;
use agents::object::{
    DurableObject, ObjectContext, ObjectOptions, Request, Response, WebSocket, WebSocketUpgrade, WebSockets,
};
use agents::{Agents, Close, Host, Message, Result, wire};

const PAGE: &str = concat!(
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><style>",
    include_str!("../shared/page.css"),
    "</style><script>",
    include_str!("../shared/client.js"),
    "</script>",
    include_str!("page.html"),
);

/// The idle time after which the object leaves memory. It is short so that a visitor can watch it.
const IDLE: Duration = Duration::from_secs(3);
/// The time from the first post of a digest to the digest, in milliseconds.
const DIGEST_AFTER: Duration = Duration::from_secs(15);
/// The number of posts that are kept.
const KEPT: u32 = 500;

/// The query parameters of a client.
#[wire]
struct Asked {
    name: Option<String>,
    room: Option<String>,
}

/// The attachment of a socket. It lasts as long as the socket and survives hibernation.
#[wire]
struct Guest {
    name: String,
    joined_at: u64,
}

#[wire]
struct Post {
    author: String,
    body: String,
    posted_at: u64,
}

/// Each message to a guest, as JSON with a `type`.
#[wire]
#[serde(tag = "type")]
enum Event {
    /// Sent only to a guest that has just joined.
    Welcome {
        posts: Vec<Post>,
    },
    Joined {
        name: String,
        guests: Vec<Guest>,
    },
    Left {
        name: String,
        guests: Vec<Guest>,
    },
    Said {
        post: Post,
    },
    Digest {
        posts: u32,
        authors: u32,
    },
}

/// The response to a plain GET.
#[wire]
struct Room {
    room: String,
    guests: Vec<Guest>,
    posts: Vec<Post>,
    digest_at: Option<u64>,
}

/// Returns the time of the next digest, in milliseconds since 1970 as in JavaScript.
fn digest_at(cx: &ObjectContext) -> Result<Option<u64>> {
    let since = cx.get_alarm()?.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Ok(since.and_then(|since| u64::try_from(since.as_millis()).ok()))
}

/// A house with rooms: one object, one database, all guests of all rooms.
///
/// The struct has no fields and could not keep a list of guests in one: its memory is freed whenever the
/// house hibernates, while the sockets stay open. The runtime lists the guests by tag.
#[derive(Default)]
struct House;

impl DurableObject for House {
    fn options() -> ObjectOptions {
        ObjectOptions::new().hibernate_after(IDLE)
    }

    /// Called at every wake, so all statements must be safe to repeat.
    async fn start(&mut self, cx: &ObjectContext) -> Result<()> {
        cx.sql().execute_batch(
            "CREATE TABLE IF NOT EXISTS posts (
                 id INTEGER PRIMARY KEY, room TEXT NOT NULL,
                 author TEXT NOT NULL, body TEXT NOT NULL, posted_at INTEGER NOT NULL
             );
             CREATE INDEX IF NOT EXISTS posts_by_room ON posts (room, id)",
        )?;
        // The gateway sends this response itself, so a client's heartbeat does not wake the object.
        cx.set_web_socket_auto_response("ping", "pong")
    }

    /// Handles all requests, plain ones and sockets: `/agents/house/NAME?room=ROOM&name=GUEST`.
    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        let Ok(Query(Asked { name, room })) = Query::try_from_uri(request.uri()) else {
            return Ok((StatusCode::BAD_REQUEST, "the query cannot be read").into_response());
        };
        let room = room.unwrap_or_else(|| "general".to_owned());
        if !is_name(&room) {
            return Ok((StatusCode::NOT_FOUND, "there is no such room").into_response());
        }
        let Some(upgrade) = WebSocketUpgrade::take(&mut request) else {
            let (guests, posts) = (guests(cx, &room)?, history(cx, &room)?);
            return Ok(Json(Room { room, guests, posts, digest_at: digest_at(cx)? }).into_response());
        };
        // A response without an accepted socket refuses the connection. The client sees the status as close
        // code 4400, and the text.
        let Some(name) = name.filter(|name| is_name(name)) else {
            return Ok((StatusCode::BAD_REQUEST, "a name has 1 to 20 letters or digits").into_response());
        };

        let socket = cx.accept_web_socket(upgrade, ["chat".to_owned(), format!("room:{room}")])?;
        socket.serialize_attachment(&Guest { name: name.clone(), joined_at: cx.now() })?;
        socket.send(&Event::Welcome { posts: history(cx, &room)? })?;
        sockets_in(cx, &room).send(&Event::Joined { name, guests: guests(cx, &room)? })?;
        Ok(StatusCode::SWITCHING_PROTOCOLS.into_response())
    }

    /// Handles a text message as a post. The post is on the disk before any guest receives it: the output
    /// gate holds all messages until the writes of their turn are synced.
    async fn web_socket_message(
        &self,
        cx: &ObjectContext,
        socket: &WebSocket,
        message: Message,
    ) -> Result<()> {
        let (Some(guest), Some(room)) = (socket.deserialize_attachment::<Guest>()?, room_of(socket)) else {
            return socket.close(1011, "this socket has no guest");
        };
        let Some(body) = message.text().map(str::trim).filter(|body| (1..=500).contains(&body.len())) else {
            return socket.close(1003, "say something in 1 to 500 bytes of text");
        };
        let post = Post { author: guest.name, body: body.to_owned(), posted_at: cx.now() };
        cx.sql().execute(
            "INSERT INTO posts (room, author, body, posted_at) VALUES (?1, ?2, ?3, ?4)",
            (room, &post.author, &post.body, post.posted_at),
        )?;
        // There is one alarm. The first post after a digest sets it.
        if cx.get_alarm()?.is_none() {
            cx.set_alarm(DIGEST_AFTER)?;
        }
        sockets_in(cx, room).send(&Event::Said { post })
    }

    /// Called when the socket is no longer listed. Its tags and its attachment can still be read.
    async fn web_socket_close(&self, cx: &ObjectContext, socket: &WebSocket, _close: Close) -> Result<()> {
        let (Some(guest), Some(room)) = (socket.deserialize_attachment::<Guest>()?, room_of(socket)) else {
            return Ok(());
        };
        sockets_in(cx, room).send(&Event::Left { name: guest.name, guests: guests(cx, room)? })
    }

    /// Sends each room the number of new posts since the last digest, and deletes old posts. The alarm wakes
    /// the house if necessary.
    async fn alarm(&self, cx: &ObjectContext, _alarm: AlarmInfo) -> Result<()> {
        let told = cx.storage().get::<i64>("told")?.unwrap_or_default();
        let news: Vec<(String, u32, u32)> = cx.sql().query(
            "SELECT room, count(*), count(DISTINCT author) FROM posts WHERE id > ?1 GROUP BY room",
            (told,),
        )?;
        for (room, posts, authors) in news {
            sockets_in(cx, &room).send(&Event::Digest { posts, authors })?;
        }
        let last: i64 = cx.sql().query_one("SELECT coalesce(max(id), 0) FROM posts", ())?;
        cx.storage().put("told", &last)?;
        cx.sql().execute("DELETE FROM posts WHERE id <= ?1", (last - i64::from(KEPT),))?;
        Ok(())
    }
}

fn sockets_in(cx: &ObjectContext, room: &str) -> WebSockets {
    cx.get_web_sockets().tag(format!("room:{room}"))
}

fn room_of(socket: &WebSocket) -> Option<&str> {
    socket.tags().iter().find_map(|tag| tag.strip_prefix("room:"))
}

fn guests(cx: &ObjectContext, room: &str) -> Result<Vec<Guest>> {
    sockets_in(cx, room)
        .into_iter()
        .filter_map(|socket| socket.deserialize_attachment().transpose())
        .collect()
}

/// Returns the last posts, oldest first.
fn history(cx: &ObjectContext, room: &str) -> Result<Vec<Post>> {
    let mut posts: Vec<Post> = cx.sql().query(
        "SELECT author, body, posted_at FROM posts WHERE room = ?1 ORDER BY id DESC LIMIT 50",
        (room,),
    )?;
    posts.reverse();
    Ok(posts)
}

fn is_name(text: &str) -> bool {
    (1..=20).contains(&text.chars().count()) && text.chars().all(char::is_alphanumeric)
}

/// The name of the house that the page asks about.
#[wire]
struct Which {
    house: String,
}

/// The status of a house. The host knows it, so a request for it does not wake the object.
#[wire]
#[derive(Default)]
struct Status {
    awake: bool,
    pinned_by: Vec<String>,
    sockets: u32,
    wakes: u32,
    received: u32,
    sent: u32,
    awake_ms: u32,
    asleep_ms: u32,
}

async fn status(State(host): State<Host>, Query(Which { house }): Query<Which>) -> Json<Status> {
    // The host forgets a house that hibernates without connections, so such a house has no status. Neither
    // has a house that never existed.
    let Some(status) = host.status("house", &house) else {
        return Json(Status::default());
    };
    fn small(number: impl TryInto<u32>) -> u32 {
        number.try_into().unwrap_or(u32::MAX)
    }
    let metrics = status.metrics;
    Json(Status {
        awake: status.awake,
        pinned_by: status.pinned_by.iter().map(ToString::to_string).collect(),
        sockets: small(status.connections),
        wakes: small(metrics.wakes),
        received: small(metrics.frames_in),
        sent: small(metrics.frames_out),
        awake_ms: small(metrics.active().as_millis()),
        asleep_ms: small(metrics.hibernating.as_millis()),
    })
}

fn routes(host: &Host) -> Router {
    Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/status", get(status))
        .with_state(host.clone())
}

#[tokio::main]
async fn main() -> Result<()> {
    Agents::new().register_object::<House>("house").routes_with(routes).run().await
}
