//! Fuzz tests of all external inputs with random edits of a corpus.
//!
//! | surface | input | file |
//! |---|---|---|
//! | operations | query document and variables, through the guard, parser, validator and executor | `operations.rs` |
//! | documents | query document, through parser and validator, and again after serialization | `documents.rs` |
//! | upstream | responses over TCP, through the client | `upstream.rs` |
//! | reference | JSON of a send history, parsed by the core crate | `reference.rs` |
//!
//! Every run has the same inputs. A longer run with other inputs: `PROPTEST_CASES=1000000 PROPTEST_RNG_SEED=7 cargo test
//! --release -p sends-fuzz documents`. A failure is a panic, an input that takes longer than [`SLOW`], or a response that
//! violates a guarantee. The minimal input is printed, and is added to the corpus once the defect is fixed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests and their helper functions fail by panicking"
)]

mod documents;
mod input;
mod operations;
mod reference;
mod upstream;

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use proptest::test_runner::{Config, RngSeed, TestRunner};

/// Maximum time per input. Debug builds have a longer limit, because they exceed the times that the guard guarantees on a busy
/// machine.
const SLOW: Duration = Duration::from_millis(if cfg!(debug_assertions) { 5_000 } else { 500 });

/// Runs the corpus of a surface, and then at least `cases` edited inputs. `feed` returns whether the input was accepted.
fn check(surface: &str, cases: u32, feed: impl Fn(&[u8]) -> bool) {
    let corpus = input::corpus(surface);
    let (inputs, accepted) = (Cell::new(0), Cell::new(0));
    let feed = |input: &[u8]| {
        let started = Instant::now();
        accepted.set(accepted.get() + u32::from(feed(input)));
        inputs.set(inputs.get() + 1);
        let took = started.elapsed();
        assert!(took < SLOW, "{took:?} for {:?}", String::from_utf8_lossy(input));
    };
    for input in &corpus {
        feed(input);
    }
    let default = Config::default();
    let mut runner = TestRunner::new(Config {
        cases: cases.max(default.cases),
        failure_persistence: None,
        rng_seed: match default.rng_seed {
            RngSeed::Random => RngSeed::Fixed(2026),
            seed @ RngSeed::Fixed(_) => seed,
        },
        ..default
    });
    let outcome = runner.run(&input::edited(&corpus), |input| {
        feed(&input);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{surface}: {failure}"));
    // If no input were accepted, the test would cover only rejections.
    let (inputs, accepted) = (inputs.get(), accepted.get());
    assert!(
        accepted * 100 > inputs && accepted < inputs,
        "{accepted} of {inputs} inputs were accepted"
    );
}

#[test]
fn any_operation_gets_a_response() {
    let operations = operations::Operations::start().unwrap();
    check("operations", 1_500, |input| operations.feed(input));
}

#[test]
fn valid_documents_keep_their_meaning_when_serialized() {
    check("documents", 5_000, documents::feed);
}

#[test]
fn any_upstream_response_is_accepted_or_rejected() {
    let upstream = upstream::Upstream::start().unwrap();
    check("upstream", 500, |input| upstream.feed(input));
}

#[test]
fn any_history_is_parsed_or_rejected() {
    check("reference", 5_000, reference::feed);
}
