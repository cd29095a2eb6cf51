//! A send record as the upstream writes it.
//!
//! Owns everything that is tolerated in a record and the conversion to a [`SendAttempt`]. Must not know in which
//! place of a history a record stands.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::fmt;

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use crate::lenient::timestamp;
use crate::{ListId, ReasonCode, SegmentId, SendAttempt, SendStatus};

/// The one field a record cannot do without.
pub(crate) const REQUIRED_FIELD: &str = "send_id";

/// A record before it is known whether it has a `send_id`. No field is marked as required by the vendor.
#[derive(serde::Deserialize)]
#[serde(remote = "Self")]
pub(crate) struct Record {
    send_id: Option<i32>,
    contact_list_ids: Option<Vec<ListId>>,
    /// The vendor's prose spells the field like this, its schema and its sample like the one above.
    contact_lists_ids: Option<Vec<ListId>>,
    segment_ids: Option<Vec<SegmentId>>,
    count: Option<i64>,
    #[serde(default, deserialize_with = "timestamp")]
    run_date: Option<Timestamp>,
    send_status: Option<SendStatus>,
    reason_code: Option<ReasonCode>,
}

impl Record {
    /// The attempt this record is about, or `None` if it has no `send_id`.
    pub(crate) fn into_attempt(self) -> Option<SendAttempt> {
        Some(SendAttempt {
            send_id: self.send_id?,
            contact_list_ids: merge(
                self.contact_list_ids.unwrap_or_default(),
                self.contact_lists_ids.unwrap_or_default(),
            ),
            segment_ids: self.segment_ids.unwrap_or_default(),
            count: self.count,
            run_date: self.run_date,
            send_status: self.send_status,
            reason_code: self.reason_code,
        })
    }
}

/// The ids of `first`, then those of `second` that are not among them.
fn merge(mut first: Vec<ListId>, second: Vec<ListId>) -> Vec<ListId> {
    if first.is_empty() {
        return second;
    }
    let known: BTreeSet<ListId> = first.iter().cloned().collect();
    first.extend(second.into_iter().filter(|id| !known.contains(id)));
    first
}

/// Written out because a derived implementation would also take an array for a record, by the order of the fields.
/// `remote` above turns the derived one into a plain method, which this one calls.
impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Record;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a send record, which is an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Record, A::Error> {
                Record::deserialize(MapAccessDeserializer::new(fields))
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}

impl<'de> Deserialize<'de> for SendAttempt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record: Record = Deserialize::deserialize(deserializer)?;
        record
            .into_attempt()
            .ok_or_else(|| D::Error::missing_field(REQUIRED_FIELD))
    }
}
