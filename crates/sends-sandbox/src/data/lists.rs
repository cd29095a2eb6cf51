//! Contact lists and segments.

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use super::identifiers::{Key, Kind};
use crate::clock::Moment;

/// Contact list of the guide's example.
pub(crate) const GUIDE_LIST: Uuid = uuid!("f4ab800a-5adf-11e9-ba6a-fa163e6b01c1");

const FIRST_GENERATED_SEGMENT: i64 = 1000;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ContactList {
    #[serde(rename = "list_id")]
    pub(crate) id: Uuid,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) favorite: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deleted_at: Option<String>,
    pub(crate) membership_count: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Segment {
    #[serde(rename = "segment_id")]
    pub(crate) id: i64,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) deleted: bool,
}

impl Segment {
    pub(crate) fn created_at(&self) -> Moment {
        Moment(1_560_000_000_000).plus_seconds(self.id.rem_euclid(10_000) * 3600)
    }
}

pub(super) fn generated_lists(key: Key, count: u64) -> impl Iterator<Item = ContactList> {
    (0..count).map(move |index| ContactList {
        id: key.identifier(Kind::List, index),
        name: format!("Generated list {}", index + 1),
        description: None,
        favorite: false,
        created_at: Some("2016-03-03T10:56:29-05:00".to_owned()),
        deleted_at: None,
        membership_count: i64::try_from(key.hash(0x6C69, index) % 20_000).unwrap_or(0),
    })
}

pub(super) fn generated_segment_id(index: u64) -> i64 {
    FIRST_GENERATED_SEGMENT + i64::try_from(index).unwrap_or(0)
}

pub(super) fn generated_segments(count: u64) -> impl Iterator<Item = Segment> {
    (0..count).map(|index| Segment {
        id: generated_segment_id(index),
        name: format!("Generated segment {}", index + 1),
        deleted: false,
    })
}
