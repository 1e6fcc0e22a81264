//! Hibernation in numbers: the cost of many open sockets for a server whose agents are asleep.
//!
//! `cargo run --release --example sleep-lab`, then open the address it prints. The clients run in a second
//! process, so the page shows the memory of the server only.

mod lab;
mod sleepers;

use std::alloc::System;

use agents::axum::extract::{Query, State};
use agents::axum::http::{HeaderMap, StatusCode, header::HOST};
use agents::axum::{Json, Router, response::Html, routing::get, routing::post};
use agents::{Host, prelude::*};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use lab::{Lab, Order, Sample};

/// An allocator that counts the bytes in use. The figure of the system also includes memory that was freed
/// but not returned.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const PAGE: &str = concat!(
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><style>",
    include_str!("../shared/page.css"),
    "</style><script>",
    include_str!("../shared/client.js"),
    "</script>",
    include_str!("page.html"),
);

/// The state of an agent, stored in its own database.
#[wire]
#[derive(Clone, Default)]
struct Nudges {
    count: u64,
}

/// An agent that mostly sleeps. It leaves memory after two seconds without work; its socket stays open.
#[agent(state = Nudges, hibernate_after = "2s")]
#[derive(Default)]
struct Sleeper;

#[agent]
impl Sleeper {
    /// Adds one. The agent must be in memory for the call, with its database open.
    #[callable]
    fn nudge(&self, cx: &Context<Self>) -> Result<u64> {
        cx.update_state(|nudges| {
            nudges.count += 1;
            nudges.count
        })
    }
}

#[wire]
struct Open {
    sockets: u32,
}

async fn open(State(lab): State<Lab>, headers: HeaderMap, Query(Open { sockets }): Query<Open>) -> Answer {
    // The clients reach the server at the port of the page.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let port = host.and_then(|host| host.rsplit(':').next()?.parse().ok()).unwrap_or(80);
    answer(lab.open(port, sockets).await)
}

async fn wake_one(State(lab): State<Lab>) -> Answer {
    answer(lab.tell(Order::WakeOne).await)
}

async fn wake_all(State(lab): State<Lab>) -> Answer {
    answer(lab.tell(Order::WakeAll).await)
}

async fn close(State(lab): State<Lab>) -> Answer {
    answer(lab.tell(Order::Close).await)
}

async fn sample(State(lab): State<Lab>) -> Json<Sample> {
    Json(lab.sample().await)
}

type Answer = (StatusCode, String);

fn answer(result: Result<()>) -> Answer {
    match result {
        Ok(()) => (StatusCode::OK, String::new()),
        Err(error) => (StatusCode::CONFLICT, error.to_string()),
    }
}

fn routes(host: &Host, files: u64) -> Router {
    Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/sample", get(sample))
        .route("/open", post(open))
        .route("/wake-one", post(wake_one))
        .route("/wake-all", post(wake_all))
        .route("/close", post(close))
        .with_state(Lab::new(host.clone(), files))
}

#[tokio::main]
async fn main() -> Result<()> {
    // Each socket is a file for the system, so the limit of open files is raised to the maximum of this
    // process.
    let files = rlimit::increase_nofile_limit(u64::MAX)?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [word, address] = &args[..]
        && word == sleepers::COMMAND
    {
        return sleepers::run(address.parse()?).await;
    }
    Agents::new()
        .data_dir(std::env::temp_dir().join("agents-sleep-lab"))
        .register::<Sleeper>()
        .routes_with(move |host| routes(host, files))
        .run()
        .await
}
