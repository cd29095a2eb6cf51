//! Feeding inputs to a surface, for a number of rounds or for a time.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fastrand::Rng;

use crate::mutation::mutate;

/// How long one input may take. A debug build on a busy machine is far from what the guard promises.
pub const SLOW: Duration = Duration::from_millis(if cfg!(debug_assertions) { 5_000 } else { 500 });

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After so many inputs.
    Rounds(u64),
    /// After this time.
    Elapsed(Duration),
}

/// What a run has come to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// How many inputs were fed.
    pub inputs: u64,
    /// How many of them were taken for what they should be.
    pub accepted: u64,
    /// How long the slowest took.
    pub slowest: Duration,
    /// How long all of them took.
    pub elapsed: Duration,
}

/// Feeds the corpus as it is, and then what is made of it. `feed` says whether the input was accepted.
///
/// # Errors
///
/// When the corpus cannot be read.
pub fn run(
    surface: &str,
    until: Until,
    seed: u64,
    mut feed: impl FnMut(&[u8]) -> bool,
) -> io::Result<Figures> {
    let corpus = corpus(surface)?;
    let mut random = Rng::with_seed(seed);
    let mut figures = Figures::default();
    let started = Instant::now();
    loop {
        let round = usize::try_from(figures.inputs).unwrap_or(usize::MAX);
        let input = match corpus.get(round) {
            Some(input) => input.clone(),
            None => mutate(&corpus, &mut random),
        };
        let begun = Instant::now();
        let accepted = feed(&input);
        let took = begun.elapsed();
        assert!(took < SLOW, "{took:?} for {:?}", String::from_utf8_lossy(&input));
        figures.slowest = figures.slowest.max(took);
        figures.accepted += u64::from(accepted);
        figures.inputs += 1;
        figures.elapsed = started.elapsed();
        let is_over = match until {
            Until::Rounds(rounds) => figures.inputs >= rounds.max(corpus.len() as u64),
            Until::Elapsed(time) => figures.elapsed >= time,
        };
        if is_over {
            return Ok(figures);
        }
    }
}

/// Every file of a surface's corpus, in the order of their names.
fn corpus(surface: &str) -> io::Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(surface);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    paths.into_iter().map(fs::read).collect()
}
