//! Who has been here before, roughly: keeps what is asked once from displacing what is asked again.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::atomic::{AtomicU32, Ordering},
};

/// Remembers as many of the last comers as it has places, by a part of their hash. Two that meet in one place displace
/// each other; a stranger is taken for an acquaintance once in four thousand million times.
pub(crate) struct Doorkeeper {
    places: Box<[AtomicU32]>,
    hasher: RandomState,
}

impl Doorkeeper {
    pub(crate) fn new(places: usize) -> Self {
        Self {
            places: (0..places.max(1)).map(|_| AtomicU32::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Whether this one has come before. From now on it has.
    pub(crate) fn knows(&self, comer: &(impl Hash + ?Sized)) -> bool {
        let hash = self.hasher.hash_one(comer);
        let place = usize::try_from(hash % self.places.len() as u64).unwrap_or(0);
        // 0 is nobody.
        let face = u32::try_from(hash >> 32).unwrap_or(0) | 1;
        self.places[place].swap(face, Ordering::Relaxed) == face
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_known_from_the_second_time_on() {
        let doorkeeper = Doorkeeper::new(1 << 10);
        assert!(!doorkeeper.knows("one"));
        assert!(doorkeeper.knows("one"));
        assert!(doorkeeper.knows("one"));
        assert!(!doorkeeper.knows("another"));
    }

    #[test]
    fn with_one_place_the_last_comer_is_known() {
        let doorkeeper = Doorkeeper::new(1);
        doorkeeper.knows("one");
        doorkeeper.knows("another");
        assert!(!doorkeeper.knows("one"));
    }
}
