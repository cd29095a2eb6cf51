//! Owner of stored data.

use std::fmt;

/// Opaque key that separates the stored data of different owners.
///
/// The key is stored in clear text, so it must neither be a token nor reveal one. Derive the key with a keyed hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner([u8; 16]);

impl Owner {
    pub const fn new(key: [u8; 16]) -> Self {
        Self(key)
    }

    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({:032x})", u128::from_be_bytes(self.0))
    }
}
