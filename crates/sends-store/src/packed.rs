//! An answer as few bytes.
//!
//! Owns the form in which a [`Kept`] stays in memory: a history of three sends takes about 90 bytes in one allocation,
//! where the model takes some 700 in eight. It has no version: it never leaves the process, but for checksums of it that are
//! in the rows of a store ([`checksum`](crate::checksum)). A change of the form needs a migration that sets these to NULL.
//!
//! Numbers are LEB128, signed ones in zigzag order, so that small ones take one byte.

use std::sync::Arc;

use jiff::Timestamp;
use sends_core::{ListId, ReasonCode, SegmentId, SendAttempt, SendHistory, SendStatus, Verbatim};

use crate::list_ids::{self, UUID_LENGTH};
use crate::{Answer, Kept};

/// A [`Kept`], packed. Cloned by reference.
#[derive(Clone)]
pub(crate) struct Packed(Arc<[u8]>);

impl Packed {
    pub(crate) fn new(kept: &Kept) -> Self {
        let mut bytes = Vec::with_capacity(128);
        write_timestamp(&mut bytes, kept.fetched_at);
        // 0 is "not found"; a history is its length and one more.
        write_length(&mut bytes, kept.answer.send_count().map_or(0, |count| count + 1));
        if let Answer::History(history) = &kept.answer {
            write_length(&mut bytes, history.unreadable_sends());
            write_length(&mut bytes, history.unreadable_values());
            for send in history.iter() {
                pack_send(&mut bytes, send);
            }
        }
        Self(bytes.into())
    }

    /// What was packed. `None` would mean that writing and reading disagree, which a property test excludes; a caller
    /// treats it as nothing kept.
    pub(crate) fn unpack(&self) -> Option<Kept> {
        let mut reader = Reader(&self.0);
        let fetched_at = reader.timestamp()?;
        let answer = match reader.length()?.checked_sub(1) {
            None => Answer::NotFound,
            Some(count) => {
                let (unreadable_sends, unreadable_values) = (reader.length()?, reader.length()?);
                let sends: Option<Vec<SendAttempt>> = (0..count).map(|_| reader.send()).collect();
                let history = SendHistory::new(sends?).with_unreadable(unreadable_sends, unreadable_values);
                Answer::History(Arc::new(history))
            }
        };
        Some(Kept { fetched_at, answer })
    }

    /// How many sends it tells of, without unpacking them.
    pub(crate) fn send_count(&self) -> u64 {
        let mut reader = Reader(&self.0);
        reader
            .timestamp()
            .and_then(|_| reader.unsigned())
            .map_or(0, |count| count.saturating_sub(1))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

// The first byte of a send says which fields follow. Its low three bits are the status.
const STATUS: u8 = 0b111;
const STATUS_ABSENT: u8 = 0;
const STATUS_COMPLETED: u8 = 1;
const STATUS_ERRORED: u8 = 2;
const STATUS_TEXT: u8 = 3;
const HAS_COUNT: u8 = 1 << 3;
const HAS_RUN_DATE: u8 = 1 << 4;
const HAS_REASON: u8 = 1 << 5;
const HAS_SEGMENTS: u8 = 1 << 6;
const LISTS_VERBATIM: u8 = 1 << 7;

pub(crate) fn pack_send(bytes: &mut Vec<u8>, send: &SendAttempt) {
    let uuids = list_ids::to_uuids(&send.contact_list_ids);
    let verbatim = send.send_status.as_ref().map(Verbatim::verbatim);
    // A known status in another spelling than its own is packed like one that is not known.
    let status = match verbatim {
        None => STATUS_ABSENT,
        Some("COMPLETED") => STATUS_COMPLETED,
        Some("ERRORED") => STATUS_ERRORED,
        Some(_) => STATUS_TEXT,
    };
    let flag = |flag: u8, set: bool| if set { flag } else { 0 };
    bytes.push(
        status
            | flag(HAS_COUNT, send.count.is_some())
            | flag(HAS_RUN_DATE, send.run_date.is_some())
            | flag(HAS_REASON, send.reason_code.is_some())
            | flag(HAS_SEGMENTS, !send.segment_ids.is_empty())
            | flag(LISTS_VERBATIM, uuids.is_none()),
    );
    write_signed(bytes, send.send_id.into());
    if let Some(text) = verbatim.filter(|_| status == STATUS_TEXT) {
        write_text(bytes, text);
    }
    if let Some(count) = send.count {
        write_signed(bytes, count);
    }
    if let Some(run_date) = send.run_date {
        write_timestamp(bytes, run_date);
    }
    if let Some(code) = send.reason_code {
        write_signed(bytes, code.get().into());
    }
    if !send.segment_ids.is_empty() {
        write_length(bytes, send.segment_ids.len());
        for id in &send.segment_ids {
            write_signed(bytes, id.get());
        }
    }
    write_length(bytes, send.contact_list_ids.len());
    if let Some(uuids) = uuids {
        bytes.extend_from_slice(&uuids);
    } else {
        for id in &send.contact_list_ids {
            write_text(bytes, id.as_str());
        }
    }
}

fn write_unsigned(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low & 0x7f);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn write_signed(bytes: &mut Vec<u8>, number: i64) {
    write_unsigned(bytes, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

fn write_length(bytes: &mut Vec<u8>, length: usize) {
    write_unsigned(bytes, length as u64);
}

fn write_text(bytes: &mut Vec<u8>, text: &str) {
    write_length(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn write_timestamp(bytes: &mut Vec<u8>, timestamp: Timestamp) {
    write_signed(bytes, timestamp.as_second());
    write_signed(bytes, timestamp.subsec_nanosecond().into());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.unsigned()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    fn length(&mut self) -> Option<usize> {
        self.unsigned()?.try_into().ok()
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        std::str::from_utf8(self.bytes(length)?).ok()
    }

    fn timestamp(&mut self) -> Option<Timestamp> {
        let second = self.signed()?;
        let nanosecond = self.signed()?.try_into().ok()?;
        Timestamp::new(second, nanosecond).ok()
    }

    fn send(&mut self) -> Option<SendAttempt> {
        let flags = self.byte()?;
        // Read in the order of writing, which is that of the fields below but for the lists.
        let send_id = self.signed()?.try_into().ok()?;
        let send_status = match flags & STATUS {
            STATUS_COMPLETED => Some(SendStatus::Completed.into()),
            STATUS_ERRORED => Some(SendStatus::Errored.into()),
            STATUS_TEXT => Some(self.text()?.into()),
            _ => None,
        };
        let count = if flags & HAS_COUNT == 0 {
            None
        } else {
            Some(self.signed()?)
        };
        let run_date = if flags & HAS_RUN_DATE == 0 {
            None
        } else {
            Some(self.timestamp()?)
        };
        let reason_code = if flags & HAS_REASON == 0 {
            None
        } else {
            Some(ReasonCode::new(self.signed()?.try_into().ok()?))
        };
        let segments = if flags & HAS_SEGMENTS == 0 {
            0
        } else {
            self.length()?
        };
        let segment_ids: Option<Vec<SegmentId>> =
            (0..segments).map(|_| self.signed().map(SegmentId::new)).collect();
        let lists = self.length()?;
        let contact_list_ids = if flags & LISTS_VERBATIM == 0 {
            list_ids::from_uuids(self.bytes(lists.checked_mul(UUID_LENGTH)?)?)?
        } else {
            (0..lists)
                .map(|_| self.text().map(ListId::from))
                .collect::<Option<_>>()?
        };
        Some(SendAttempt {
            send_id,
            contact_list_ids,
            segment_ids: segment_ids?,
            count,
            run_date,
            send_status,
            reason_code,
        })
    }
}
