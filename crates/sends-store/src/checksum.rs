//! Checksums of what a row holds, so that a flipped bit on the disk is noticed and not served.
//!
//! SQLite verifies the structure of its pages and never their content. The checksum is of the packed form
//! ([`packed`](crate::packed)) and not of the columns, so both sides of it are made from the values themselves.

use sends_core::{ActivityId, SendAttempt};

use crate::packed::{Packed, pack_send};
use crate::{Kept, Owner};

/// The checksum of an answer with everything it tells of.
pub(crate) fn of_answer(owner: Owner, activity: ActivityId, kept: &Kept) -> u32 {
    of(owner, activity, Packed::new(kept).as_bytes())
}

/// The checksum of one send of an answer.
pub(crate) fn of_send(owner: Owner, activity: ActivityId, ordinal: u32, send: &SendAttempt) -> u32 {
    let bytes = pack_send(ordinal.to_le_bytes().to_vec(), send);
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
