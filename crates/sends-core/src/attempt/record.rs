//! Decoder of send records.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::value::RawValue;

use crate::fields::Fields;
use crate::json_repair::repair_json;
use crate::lenient::Count;
use crate::{DecodeError, ListId, Oddities, SendAttempt};

const WHAT: &str = "a send record";

impl SendAttempt {
    /// Decodes a record. The vendor marks no field as required; only `send_id` is required here because it identifies the
    /// attempt.
    pub(crate) fn read(json: &str, oddities: &mut Oddities) -> Result<Self, DecodeError> {
        let fields = Fields::of(json, WHAT)
            .ok_or_else(|| DecodeError::new(WHAT, "", &crate::fields::is_not(json, "an object")))?;
        Ok(Self {
            send_id: fields.require("send_id")?,
            // The vendor's schema and sample use the first spelling; its prose uses the second.
            contact_list_ids: merge(
                fields.list("contact_list_ids", oddities),
                fields.list("contact_lists_ids", oddities),
            ),
            segment_ids: fields.list("segment_ids", oddities),
            count: fields.read("count", oddities).map(|Count(count)| count),
            run_date: fields.read("run_date", oddities),
            send_status: fields.read("send_status", oddities),
            reason_code: fields.read("reason_code", oddities),
        })
    }
}

/// Appends the ids of `second` that `first` lacks.
fn merge(mut first: Vec<ListId>, second: Vec<ListId>) -> Vec<ListId> {
    if first.is_empty() {
        return second;
    }
    let seen: BTreeSet<ListId> = first.iter().cloned().collect();
    first.extend(second.into_iter().filter(|id| !seen.contains(id)));
    first
}

impl<'de> Deserialize<'de> for SendAttempt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let json = repair_json(json.get().as_bytes());
        Self::read(&json, &mut Oddities::default()).map_err(D::Error::custom)
    }
}
