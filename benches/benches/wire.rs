//! Reading and writing frames.

#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::hint::black_box;

use agents_protocol::wire::frame;
use agents_protocol::wire::name::{camel_case, kebab_case};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const CALL: &str = r#"{"type":"rpc","id":"1f0c2ce8-61c2-4e0c-8a5e-7f2e9f3a9d11","method":"echo","args":["0123456789abcdef"]}"#;

fn reading(c: &mut Criterion) {
    let large = format!(
        r#"{{"args":[{{"items":[{}]}}],"id":"1","method":"put","type":"rpc"}}"#,
        vec![r#"{"name":"a name","done":false,"votes":12345}"#; 1000].join(",")
    );
    let state =
        format!(r#"{{"type":"cf_agent_state","state":{{"items":[{}]}}}}"#, vec!["123456"; 1000].join(","));
    let mut group = c.benchmark_group("parse");
    for (name, text) in [
        ("call", CALL),
        ("large_call", &large),
        ("state", &state),
        ("plain_text", "a text that does not belong to the protocol"),
        ("json_of_the_user", r#"{"type":"typing","user":"ann","since":1700000000000}"#),
    ] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| matches!(frame::parse(black_box(text)), frame::ClientFrame::Other));
        });
    }
    group.finish();
}

fn writing(c: &mut Criterion) {
    let state = format!(r#"{{"items":[{}]}}"#, vec!["123456"; 1000].join(","));
    let mut group = c.benchmark_group("write");
    group.bench_function("result", |b| {
        b.iter(|| frame::rpc_result(black_box("\"17\""), Some(black_box("\"0123456789abcdef\""))));
    });
    group.bench_function("error", |b| {
        b.iter(|| frame::rpc_error(black_box("\"17\""), black_box("Method nope does not exist")));
    });
    group.bench_function("identity", |b| {
        b.iter(|| frame::identity(black_box("lobby"), black_box("chat-room"), true));
    });
    group.throughput(Throughput::Bytes(state.len() as u64));
    group.bench_function("state", |b| b.iter(|| frame::state_changed(black_box(&state))));
    group.finish();
}

fn names(c: &mut Criterion) {
    c.bench_function("kebab_case", |b| b.iter(|| kebab_case(black_box("TestOAuthAgent"))));
    c.bench_function("camel_case", |b| b.iter(|| camel_case(black_box("should_send_protocol_messages"))));
}

criterion_group!(benches, reading, writing, names);
criterion_main!(benches);
