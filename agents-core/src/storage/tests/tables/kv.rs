//! Tests of keys and values.

use crate::storage::tests::*;

fn filled(keys: &[&str]) -> Bench {
    let bench = Bench::new();
    bench.turn(|_| {
        for (value, key) in keys.iter().enumerate() {
            bench.kv().put(key, &value).unwrap();
        }
    });
    bench.commit();
    bench
}

fn keys(bench: &Bench, range: KvRange) -> Vec<String> {
    let entries = bench.kv().list::<usize>(range).unwrap();
    entries.into_iter().map(|(key, _)| key).collect()
}

#[test]
fn values_come_back_as_they_were() {
    let bench = Bench::new();
    let value = (vec![1_u8, 2], "text".to_owned(), Some(true));
    bench.turn(|_| bench.kv().put("k", &value).unwrap());
    bench.commit();
    bench.reopen();
    assert_eq!(bench.kv().get("k").unwrap(), Some(value));
    assert_eq!(bench.kv().get::<u32>("K").unwrap(), None);
    bench.turn(|_| bench.kv().put("k", &7_u32).unwrap());
    assert_eq!(bench.kv().get::<u32>("k").unwrap(), Some(7));
    let error = bench.kv().get::<bool>("k").unwrap_err();
    assert_eq!(error.code(), "storage_json");
    assert!(error.to_string().contains("`k`"), "{error}");
    bench.turn(|_| {
        assert!(bench.kv().delete("k").unwrap());
        assert!(!bench.kv().delete("k").unwrap());
    });
    assert_eq!(bench.kv().get::<u32>("k").unwrap(), None);
}

#[test]
fn keys_are_in_the_order_of_their_bytes() {
    let bench = filled(&["b", "a", "B", "ä", "z", "a\0", "", "\u{10ffff}", "aa"]);
    let sorted = ["", "B", "a", "a\0", "aa", "b", "z", "ä", "\u{10ffff}"];
    assert_eq!(keys(&bench, KvRange::all()), sorted);
    let mut reversed = sorted;
    reversed.reverse();
    assert_eq!(keys(&bench, KvRange::all().reversed()), reversed);
}

#[test]
fn ranges_narrow_the_list() {
    let bench = filled(&["a", "a:1", "a:2", "a:3", "b", "a;", "\u{10ffff}x"]);
    let check =
        |range: KvRange, expected: &[&str]| assert_eq!(keys(&bench, range.clone()), expected, "{range:?}");
    check(KvRange::prefix("a:"), &["a:1", "a:2", "a:3"]);
    check(KvRange::prefix("a:").reversed().limit(2), &["a:3", "a:2"]);
    check(KvRange::prefix("a:").start("a:2"), &["a:2", "a:3"]);
    check(KvRange::prefix("a:").start_after("a:2"), &["a:3"]);
    check(KvRange::prefix("a:").end("a:3").reversed(), &["a:2", "a:1"]);
    check(KvRange::prefix("\u{10ffff}"), &["\u{10ffff}x"]);
    check(KvRange::prefix(""), &["a", "a:1", "a:2", "a:3", "a;", "b", "\u{10ffff}x"]);
    check(KvRange::all().start("a:3").end("b"), &["a:3", "a;"]);
    check(KvRange::all().start("a").start_after("a"), &["a:1", "a:2", "a:3", "a;", "b", "\u{10ffff}x"]);
    check(KvRange::all().end("z").start_after("a;"), &["b"]);
    check(KvRange::all().start("b").end("a"), &[]);
    check(KvRange::all().limit(0), &[]);
    check(KvRange::prefix("a\u{d7ff}"), &[]);
}

#[test]
fn large_entries_are_refused_with_their_size() {
    let bench = Bench::new();
    bench.turn(|_| {
        let key = "k".repeat(2048);
        bench.kv().put(&key, &1).unwrap();
        let error = bench.kv().put(&format!("{key}k"), &1).unwrap_err();
        assert_eq!(error.to_string(), "the key has 2049 bytes, the limit is 2048");
        // The rest are two quotes and one letter of the key.
        let most = 2 * 1024 * 1024 - 3;
        bench.kv().put("k", &"x".repeat(most)).unwrap();
        let error = bench.kv().put("k", &"x".repeat(most + 1)).unwrap_err();
        assert_eq!(storage(&error).code(), "storage_too_big");
        assert!(error.to_string().contains("2097153"), "{error}");
    });
    bench.commit();
    assert_eq!(bench.kv().list::<serde_json::Value>(KvRange::all()).unwrap().len(), 2);
}

#[test]
fn entries_roll_back_with_their_turn() {
    let bench = filled(&["a"]);
    bench.on(Store::begin_turn).unwrap();
    bench.kv().put("b", &1).unwrap();
    assert_eq!(bench.kv().delete_all().unwrap(), 2);
    bench.on(Store::rollback_turn).unwrap();
    assert_eq!(keys(&bench, KvRange::all()), ["a"]);
    bench.turn(|_| assert_eq!(bench.kv().delete_all().unwrap(), 1));
    bench.commit();
    bench.reopen();
    assert!(keys(&bench, KvRange::all()).is_empty());
}

#[test]
fn a_transaction_counts_as_a_whole_or_not_at_all() {
    let bench = filled(&["a"]);
    bench.turn(|_| {
        bench
            .kv()
            .transaction(|kv| {
                kv.put("b", &1)?;
                let inner = kv.transaction(|kv| {
                    kv.put("c", &1)?;
                    kv.delete("a")?;
                    Err::<(), _>(crate::Error::msg("no"))
                });
                assert!(inner.is_err());
                kv.put("d", &1)
            })
            .unwrap();
        let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = bench.kv().transaction(|kv| -> crate::Result<()> {
                kv.put("e", &1)?;
                panic!("on purpose")
            });
        }));
        assert!(failed.is_err());
    });
    bench.commit();
    bench.reopen();
    assert_eq!(keys(&bench, KvRange::all()), ["a", "b", "d"]);
}
