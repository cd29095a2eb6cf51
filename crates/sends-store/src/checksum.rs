//! CRC-32 checksums of rows, which detect bit flips on disk.
//!
//! SQLite verifies only the structure of its pages. The checksum covers the encoded values ([`encoding`](crate::encoding))
//! instead of the columns, so that writer and reader compute it in the same way.

use sends_core::{ActivityId, SendAttempt};

use crate::encoding::{EncodedAnswer, encode_send};
use crate::{Owner, StoredAnswer};

pub(crate) fn of_answer(owner: Owner, activity: ActivityId, answer: &StoredAnswer) -> u32 {
    of(owner, activity, EncodedAnswer::new(answer).as_bytes())
}

pub(crate) fn of_send(owner: Owner, activity: ActivityId, ordinal: u32, send: &SendAttempt) -> u32 {
    let bytes = encode_send(ordinal.to_le_bytes().to_vec(), send);
    of(owner, activity, &bytes)
}

fn of(owner: Owner, activity: ActivityId, content: &[u8]) -> u32 {
    let mut checksum = crc32fast::Hasher::new();
    for part in [
        owner.as_bytes().as_slice(),
        activity.as_bytes().as_slice(),
        content,
    ] {
        checksum.update(part);
    }
    checksum.finalize()
}
