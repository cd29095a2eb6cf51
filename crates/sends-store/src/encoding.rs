//! Compact `postcard` encoding of responses for the memory store.
//!
//! A history of three sends takes about 140 bytes in one allocation, instead of about 700 bytes in eight. The encoding has no
//! version because encoded responses never leave the process. A change of the encoding requires a new schema version, however,
//! since [checksums](crate::checksum) of encoded values are stored.

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use sends_core::{ListId, ReasonCode, SegmentId, SendAttempt, SendHistory, Verbatim};
use serde::{Deserialize, Serialize};

use crate::{Answer, StoredAnswer, list_ids};

#[derive(Clone)]
pub(crate) struct EncodedAnswer(Arc<[u8]>);

#[derive(Deserialize, Serialize)]
struct Head {
    fetched_at: Instant,
    /// Number of sends. `None` if the activity was not found.
    sends: Option<usize>,
    unreadable_sends: usize,
    unreadable_values: usize,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
struct Instant(i64, i32);

#[derive(Deserialize, Serialize)]
struct EncodedSend<'a> {
    send_id: i32,
    #[serde(borrow)]
    contact_lists: ContactLists<'a>,
    segment_ids: Vec<i64>,
    count: Option<i64>,
    run_date: Option<Instant>,
    #[serde(borrow)]
    send_status: Option<&'a str>,
    reason_code: Option<i32>,
}

#[derive(Deserialize, Serialize)]
enum ContactLists<'a> {
    Uuids(#[serde(borrow)] Cow<'a, [u8]>),
    Texts(#[serde(borrow)] Vec<&'a str>),
}

impl EncodedAnswer {
    pub(crate) fn new(answer: &StoredAnswer) -> Self {
        let (history, unreadable) = match &answer.answer {
            Answer::History(history) => (
                Some(history),
                (history.unreadable_sends(), history.unreadable_values()),
            ),
            Answer::NotFound => (None, (0, 0)),
        };
        let head = Head {
            fetched_at: answer.fetched_at.into(),
            sends: history.map(|history| history.len()),
            unreadable_sends: unreadable.0,
            unreadable_values: unreadable.1,
        };
        let sends = history.into_iter().flat_map(|history| history.iter());
        let bytes = sends.fold(append(Vec::with_capacity(160), &head), encode_send);
        Self(bytes.into())
    }

    /// Returns `None` if the bytes are invalid, which a property test excludes. Callers treat this case as a cache miss.
    pub(crate) fn decode(&self) -> Option<StoredAnswer> {
        let (head, mut bytes) = postcard::take_from_bytes::<Head>(&self.0).ok()?;
        let answer = match head.sends {
            None => Answer::NotFound,
            Some(count) => {
                let mut sends = Vec::with_capacity(count.min(bytes.len()));
                for _ in 0..count {
                    let (send, rest) = postcard::take_from_bytes::<EncodedSend<'_>>(bytes).ok()?;
                    bytes = rest;
                    sends.push(send.decode()?);
                }
                let history = SendHistory::new(sends);
                let history = history.with_unreadable(head.unreadable_sends, head.unreadable_values);
                Answer::History(Arc::new(history))
            }
        };
        Some(StoredAnswer {
            fetched_at: head.fetched_at.timestamp()?,
            answer,
        })
    }

    pub(crate) fn send_count(&self) -> usize {
        let head = postcard::take_from_bytes::<Head>(&self.0);
        head.ok().and_then(|(head, _)| head.sends).unwrap_or(0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

pub(crate) fn encode_send(bytes: Vec<u8>, send: &SendAttempt) -> Vec<u8> {
    let lists = &send.contact_list_ids;
    let contact_lists = match list_ids::to_uuids(lists) {
        Some(uuids) => ContactLists::Uuids(uuids.into()),
        None => ContactLists::Texts(lists.iter().map(ListId::as_str).collect()),
    };
    let encoded = EncodedSend {
        send_id: send.send_id,
        contact_lists,
        segment_ids: send.segment_ids.iter().map(|id| id.get()).collect(),
        count: send.count,
        run_date: send.run_date.map(Instant::from),
        send_status: send.send_status.as_ref().map(Verbatim::verbatim),
        reason_code: send.reason_code.map(ReasonCode::get),
    };
    append(bytes, &encoded)
}

fn append(bytes: Vec<u8>, value: &impl Serialize) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "a vector accepts any length, and the length of each sequence is known"
    )]
    let bytes = postcard::to_extend(value, bytes).expect("the encoding succeeds");
    bytes
}

impl EncodedSend<'_> {
    fn decode(self) -> Option<SendAttempt> {
        let contact_list_ids = match self.contact_lists {
            ContactLists::Uuids(uuids) => list_ids::from_uuids(&uuids)?,
            ContactLists::Texts(texts) => texts.into_iter().map(ListId::from).collect(),
        };
        let run_date = match self.run_date {
            Some(date) => Some(date.timestamp()?),
            None => None,
        };
        Some(SendAttempt {
            send_id: self.send_id,
            contact_list_ids,
            segment_ids: self.segment_ids.into_iter().map(SegmentId::new).collect(),
            count: self.count,
            run_date,
            send_status: self.send_status.map(Verbatim::from),
            reason_code: self.reason_code.map(ReasonCode::new),
        })
    }
}

impl From<Timestamp> for Instant {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp.as_second(), timestamp.subsec_nanosecond())
    }
}

impl Instant {
    fn timestamp(self) -> Option<Timestamp> {
        Timestamp::new(self.0, self.1).ok()
    }
}
