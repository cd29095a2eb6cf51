//! Whose data it is.
//!
//! Owns that answers of different owners can never be taken for each other: every read and write names one. Must not
//! know how a key is derived, nor any token or claim.

use std::fmt;

/// An opaque key for whoever an answer was fetched for.
///
/// Two owners are the same exactly when their keys are. The key is stored in clear, so it must never be a token nor
/// anything a token could be found from: derive it with a keyed hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner([u8; 16]);

impl Owner {
    /// The owner with this key.
    pub const fn new(key: [u8; 16]) -> Self {
        Self(key)
    }

    /// The key.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({:032x})", u128::from_be_bytes(self.0))
    }
}
