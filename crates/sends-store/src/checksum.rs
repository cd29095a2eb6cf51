//! Checksums of what a row holds, so that a flipped bit on the disk is noticed and not served.
//!
//! SQLite verifies the structure of its pages and never their content. The checksum is of the encoded form
//! ([`encoding`](crate::encoding)) and not of the columns, so both sides of it are made from the values themselves.

use sends_core::{ActivityId, SendAttempt};

use crate::encoding::{EncodedAnswer, encode_send};
use crate::{Owner, StoredAnswer};

/// The checksum of an answer with everything it tells of.
pub(crate) fn of_answer(owner: Owner, activity: ActivityId, kept: &StoredAnswer) -> u32 {
    of(owner, activity, EncodedAnswer::new(kept).as_bytes())
}

/// The checksum of one send of an answer.
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
