//! Checksums of rows, which detect bits that were flipped on the disk.
//!
//! SQLite verifies the structure of its pages, not their content. The checksum is that of the encoded form
//! ([`encoding`](crate::encoding)), so that both writer and reader compute it from the values and not from the columns.

use sends_core::{ActivityId, SendAttempt};

use crate::encoding::{EncodedAnswer, encode_send};
use crate::{Owner, StoredAnswer};

/// The checksum of a response with its sends.
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
