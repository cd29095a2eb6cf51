//! A short run over every surface, with the same inputs each time.

use sends_fuzz::{
    documents,
    operations::Operations,
    reference,
    run::{Figures, Until, run},
    upstream::Upstream,
};

const SEED: u64 = 2026;

/// Some inputs have to be right, or only the refusals are tested.
fn check(figures: Figures) {
    assert!(figures.accepted * 100 > figures.inputs, "{figures:?}");
    assert!(figures.accepted < figures.inputs, "{figures:?}");
}

#[test]
fn operations_are_answered_whatever_they_are() {
    let operations = Operations::start().expect("a sandbox");
    let fed = run("operations", Until::Rounds(1_500), SEED, |input| {
        operations.feed(input)
    });
    check(fed.expect("a corpus"));
}

#[test]
fn valid_documents_mean_the_same_once_written_out() {
    check(run("documents", Until::Rounds(5_000), SEED, documents::feed).expect("a corpus"));
}

#[test]
fn answers_of_the_upstream_are_taken_or_refused_whatever_they_are() {
    let upstream = Upstream::start().expect("an upstream");
    let fed = run("upstream", Until::Rounds(500), SEED, |input| upstream.feed(input));
    check(fed.expect("a corpus"));
}

#[test]
fn histories_are_read_or_refused_whatever_they_are() {
    check(run("reference", Until::Rounds(5_000), SEED, reference::feed).expect("a corpus"));
}
