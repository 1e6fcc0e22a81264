//! Creating, opening and closing the file of an object, and a commit.

#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use agents_core::storage::{DataFolder, Durability, Store, StoreOptions};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};

/// Times `work` on values that `prepare` made. `clean` gets the results; `prepare` and `clean` are not timed.
fn timed<A, B>(
    count: u64,
    mut prepare: impl FnMut(u64) -> A,
    mut work: impl FnMut(A) -> B,
    mut clean: impl FnMut(u64, B),
) -> Duration {
    let mut total = Duration::ZERO;
    for n in 0..count {
        let value = prepare(n);
        let start = Instant::now();
        let value = black_box(work(value));
        total += start.elapsed();
        clean(n, value);
    }
    total
}

fn stores(c: &mut Criterion) {
    let root = std::env::temp_dir().join(format!("agents-bench-store-{}", std::process::id()));
    let folder = DataFolder::open(&root).expect("a folder");
    let mut options = StoreOptions::default();
    options.durability = Durability::Process;
    let open = |name: &str| folder.open_store("room", name, &options).expect("a store");
    let put = |store: &mut Store, state: &'static [u8]| {
        store.begin_turn().expect("a turn");
        store.stage_state(Some(Bytes::from_static(state))).expect("a state");
        store.end_turn().expect("the end of the turn");
        store.commit().expect("a commit")
    };
    let mut first = open("lobby");
    put(&mut first, br#"{"count":1}"#);
    first.close().expect("a file");

    let mut group = c.benchmark_group("store");
    group.bench_function("open", |b| {
        b.iter_custom(|count| timed(count, |_| (), |()| open("lobby"), |_, store| drop(store)));
    });
    group.bench_function("open_read_close", |b| {
        b.iter(|| {
            let mut store = open("lobby");
            black_box(store.state().expect("a state"));
            store.close().expect("a file");
        });
    });
    group.bench_function("create", |b| {
        b.iter_custom(|count| {
            timed(
                count,
                |n| format!("new-{n}"),
                |name| open(&name),
                |n, store| {
                    drop(store);
                    folder.remove("room", &format!("new-{n}")).expect("a folder");
                },
            )
        });
    });
    group.bench_function("commit_state", |b| {
        let mut store = open("lobby");
        let mut odd = false;
        // SQLite would not write the same bytes again.
        b.iter(|| {
            odd = !odd;
            put(&mut store, if odd { br#"{"count":1}"# } else { br#"{"count":2}"# })
        });
    });
    group.finish();
    drop(folder);
    let _ = std::fs::remove_dir_all(root);
}

criterion_group!(benches, stores);
criterion_main!(benches);
