//! Identifiers of generated records: UUIDs that encode their index, so that a million activities need no table.
//!
//! The 62 free low bits are a keyed hash of (kind, index). The 60 free high bits are the index under a mask derived from the low
//! bits. Removing the mask yields an index, and only the right key reproduces the low bits from the index. An identifier of
//! another account is therefore detected as foreign. Version and variant bits are those of a version 4 UUID.

use uuid::{Builder, Uuid};

const INDEX_BITS: u64 = (1 << 60) - 1;
const CHECK_BITS: u64 = (1 << 62) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Activity = 1,
    Campaign = 2,
    Permalink = 3,
    List = 4,
    Resend = 5,
}

/// Key of one account's identifiers and of its other derived data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(u64);

impl Key {
    pub(crate) fn derive(seed: u64, account: &str) -> Self {
        Self(
            account
                .bytes()
                .fold(mix(seed), |key, byte| mix(key ^ u64::from(byte))),
        )
    }

    /// Returns a pseudorandom number that is determined by the two arguments.
    pub(crate) const fn hash(self, domain: u64, index: u64) -> u64 {
        mix(mix(self.0 ^ domain.wrapping_mul(0x9E37_79B9_7F4A_7C15)) ^ index)
    }

    pub(crate) fn identifier(self, kind: Kind, index: u64) -> Uuid {
        let check = self.hash(kind as u64, index) & CHECK_BITS;
        let masked = (index & INDEX_BITS) ^ self.mask(kind, check);
        let high = (masked >> 12) << 16 | (masked & 0xFFF);
        Builder::from_u128((u128::from(high) << 64) | u128::from(check))
            .with_version(uuid::Version::Random)
            .with_variant(uuid::Variant::RFC4122)
            .into_uuid()
    }

    /// Returns the index that an identifier encodes, or `None` for another key or kind.
    pub(crate) fn index(self, kind: Kind, identifier: Uuid) -> Option<u64> {
        let (high, low) = identifier.as_u64_pair();
        let check = low & CHECK_BITS;
        let masked = (high >> 16) << 12 | (high & 0xFFF);
        let index = masked ^ self.mask(kind, check);
        (self.identifier(kind, index) == identifier).then_some(index)
    }

    const fn mask(self, kind: Kind, check: u64) -> u64 {
        self.hash(0x6D61_736B ^ kind as u64, check) & INDEX_BITS
    }
}

/// Finalizer of `SplitMix64`, in which every input bit affects every output bit.
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifier_decodes_only_with_its_own_key_and_kind() {
        let key = Key::derive(7, "main");
        for index in [0, 1, 999_999, INDEX_BITS] {
            let identifier = key.identifier(Kind::Activity, index);
            assert_eq!(identifier.get_version_num(), 4);
            assert_eq!(identifier.get_variant(), uuid::Variant::RFC4122);
            assert_eq!(key.index(Kind::Activity, identifier), Some(index));
            assert_eq!(key.index(Kind::Campaign, identifier), None);
            assert_eq!(Key::derive(7, "other").index(Kind::Activity, identifier), None);
            assert_eq!(Key::derive(8, "main").index(Kind::Activity, identifier), None);
        }
    }

    #[test]
    fn foreign_identifier_has_no_index() {
        let key = Key::derive(7, "main");
        assert_eq!(
            key.index(
                Kind::Activity,
                Uuid::from_u128(0x1ead_98be_dfa0_4e04_81f7_5f15_34d4_2e9c)
            ),
            None
        );
    }
}
