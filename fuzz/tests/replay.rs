//! Replays the corpus of each target, and a bounded number of mutations of it.
//!
//! `AGENTS_FUZZ` is the number of mutations for each target: 100,000 by default, and a fiftieth of it on a
//! socket. `AGENTS_FUZZ_SEED` is the seed of the mutations: 1 by default. A failure prints the input.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use agents_fuzz::{Mutator, TARGETS, Target};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("a corpus").map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{name} has no corpus");
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

fn run(name: &str, share: u64) {
    let (_, target): Target = TARGETS.into_iter().find(|(other, _)| *other == name).expect("a target");
    let check = |input: &[u8]| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
            eprintln!("{name} failed for {:?}", input.escape_ascii().to_string());
            std::panic::resume_unwind(panic);
        }
    };
    let corpus = corpus(name);
    corpus.iter().for_each(|input| check(input));
    let mut mutator = Mutator::new(number("AGENTS_FUZZ_SEED", 1));
    for _ in 0..number("AGENTS_FUZZ", 100_000) / share {
        check(&mutator.next(&corpus));
    }
}

#[test]
fn arguments() {
    run("arguments", 1);
}

#[test]
fn attachment() {
    run("attachment", 1);
}

#[test]
fn close_frames() {
    run("close_frames", 1);
}

#[test]
fn frames() {
    run("frames", 1);
}

#[test]
fn json_frames() {
    run("json_frames", 1);
}

#[test]
fn routes() {
    run("routes", 1);
}

#[test]
fn socket() {
    run("socket", 50);
}

#[test]
fn statement() {
    run("statement", 1);
}

#[test]
fn every_target_has_a_corpus_and_a_binary() {
    let binaries = Path::new(env!("CARGO_MANIFEST_DIR")).join("libfuzzer/fuzz_targets");
    for (name, _) in TARGETS {
        corpus(name);
        assert!(binaries.join(name).with_extension("rs").exists(), "{name} has no binary");
    }
}
