//! What an answer rests on, so that it can be told later whether it would be given again.
//!
//! Owns when the same question, asked again, would be answered from the same readings. Must not know what was answered.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use jiff::Timestamp;
use sends_core::ActivityId;
use sends_store::Owner;

/// How many counters stand for all activities there are. Two that share one make each other's answers be rendered again
/// once in a while, and never wrongly reused.
const COUNTERS: usize = 1 << 12;

/// Counts what is kept, so that it can be told whether anything was since.
pub(super) struct Versions {
    counters: Box<[AtomicU32]>,
    hasher: RandomState,
}

/// One history that was read, as it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Basis {
    counter: usize,
    version: u32,
    /// When the upstream said so.
    from: Timestamp,
    /// Until when it is as fresh as was asked for.
    until: Timestamp,
}

/// All that one answer rests on.
#[derive(Clone, Debug)]
pub struct Evidence {
    owner: Owner,
    bases: Box<[Basis]>,
    from: Timestamp,
    until: Timestamp,
}

/// Collects what one operation reads.
#[derive(Debug, Default)]
pub struct Witness(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    bases: Vec<Basis>,
    /// Something was read that may be different the next time.
    is_spoilt: bool,
}

impl Versions {
    pub(super) fn new() -> Self {
        Self {
            counters: (0..COUNTERS).map(|_| AtomicU32::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    /// A basis that will be right if nothing is kept for the activity between this and the end of the reading. It has yet
    /// to be [told](Basis::lasting) for how long.
    pub(super) fn basis(&self, owner: Owner, activity: ActivityId) -> Basis {
        let counter = self.counter(owner, activity);
        Basis {
            counter,
            version: self.counters[counter].load(Ordering::Acquire),
            from: Timestamp::MIN,
            until: Timestamp::MIN,
        }
    }

    /// Something else is kept from now on.
    pub(super) fn changed(&self, owner: Owner, activity: ActivityId) {
        self.counters[self.counter(owner, activity)].fetch_add(1, Ordering::Release);
    }

    pub(super) fn is_unchanged(&self, basis: &Basis) -> bool {
        self.counters[basis.counter].load(Ordering::Acquire) == basis.version
    }

    fn counter(&self, owner: Owner, activity: ActivityId) -> usize {
        let hash = self.hasher.hash_one((owner, activity));
        usize::try_from(hash % COUNTERS as u64).unwrap_or(0)
    }

    /// Whether the same questions of the same owner would be answered from the same readings now.
    pub(super) fn hold(&self, evidence: &Evidence, now: Timestamp) -> bool {
        (evidence.from..=evidence.until).contains(&now)
            && evidence.bases.iter().all(|basis| self.is_unchanged(basis))
    }
}

impl Basis {
    /// The same, for an answer of that moment which is fresh enough until this one.
    pub(super) fn lasting(self, from: Timestamp, until: Timestamp) -> Self {
        Self { from, until, ..self }
    }
}

impl Witness {
    /// This was read; without a basis it may be different the next time.
    pub fn saw(&self, basis: Option<Basis>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match basis {
            Some(basis) => seen.bases.push(basis),
            None => seen.is_spoilt = true,
        }
    }

    /// What the answer rests on. `None` when it may be different the next time anyway.
    pub fn evidence(&self, owner: Owner) -> Option<Evidence> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_spoilt {
            return None;
        }
        let bases = std::mem::take(&mut seen.bases);
        let from = bases.iter().map(|basis| basis.from).max();
        let until = bases.iter().map(|basis| basis.until).min();
        Some(Evidence {
            owner,
            from: from.unwrap_or(Timestamp::MIN),
            until: until.unwrap_or(Timestamp::MAX),
            bases: bases.into(),
        })
    }
}

impl Evidence {
    /// Whose data it is.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// How many histories the answer rests on.
    pub fn len(&self) -> usize {
        self.bases.len()
    }

    /// Whether the answer rests on no history at all.
    pub fn is_empty(&self) -> bool {
        self.bases.is_empty()
    }

    /// The memory that it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.bases)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner = Owner::new([1; 16]);
    const ACTIVITY: ActivityId = ActivityId::from_bytes([2; 16]);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn evidence(bases: &[Basis]) -> Evidence {
        let witness = Witness::default();
        for basis in bases {
            witness.saw(Some(*basis));
        }
        witness.evidence(OWNER).unwrap()
    }

    #[test]
    fn it_holds_while_every_history_is_the_same_and_fresh() {
        let versions = Versions::new();
        let one = versions.basis(OWNER, ACTIVITY).lasting(at(10), at(30));
        let other = versions
            .basis(OWNER, ActivityId::from_bytes([3; 16]))
            .lasting(at(15), at(20));
        let evidence = evidence(&[one, other]);
        for (now, expected) in [(14, false), (15, true), (20, true), (21, false)] {
            assert_eq!(versions.hold(&evidence, at(now)), expected, "{now}");
        }
        versions.changed(OWNER, ACTIVITY);
        assert!(!versions.hold(&evidence, at(16)));
    }

    #[test]
    fn what_is_kept_while_somebody_reads_makes_the_reading_no_evidence() {
        let versions = Versions::new();
        let basis = versions.basis(OWNER, ACTIVITY);
        versions.changed(OWNER, ACTIVITY);
        let evidence = evidence(&[basis.lasting(at(0), at(100))]);
        assert!(!versions.hold(&evidence, at(50)));
    }

    #[test]
    fn what_rests_on_something_else_too_is_no_evidence() {
        let witness = Witness::default();
        witness.saw(None);
        assert!(witness.evidence(OWNER).is_none());
    }
}
