//! Compact encoding of contact list ids: 16 bytes instead of 36 characters per UUID.

use sends_core::ListId;
use uuid::Uuid;

/// Encodes the ids in 16 bytes each. Returns `None` if an id is not a UUID in lower case with hyphens, since its spelling would
/// be lost.
pub(crate) fn to_uuids(ids: &[ListId]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(ids.len() * UUID_LENGTH);
    for id in ids {
        let uuid = Uuid::try_parse(id.as_str()).ok()?;
        if uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) != id.as_str() {
            return None;
        }
        bytes.extend_from_slice(uuid.as_bytes());
    }
    Some(bytes)
}

pub(crate) fn from_uuids(bytes: &[u8]) -> Option<Vec<ListId>> {
    let (uuids, rest) = bytes.as_chunks::<UUID_LENGTH>();
    let id = |uuid: &[u8; UUID_LENGTH]| {
        let mut buffer = Uuid::encode_buffer();
        ListId::from(&*Uuid::from_bytes(*uuid).hyphenated().encode_lower(&mut buffer))
    };
    rest.is_empty().then(|| uuids.iter().map(id).collect())
}

pub(crate) const UUID_LENGTH: usize = 16;
