//! Contact lists and segments without their members.

use alloc::string::String;

use jiff::Timestamp;

use crate::fields::{Fields, Member};
use crate::json::{self, read_as_object};
use crate::json_repair::repair_json;
use crate::lenient::{Count, Prose};
use crate::{DecodeError, Decoded, FromJsonOf, ListId, Listed, Oddities, SegmentId};

/// Contact list (`/contact_lists`). An optional field is `None` when its member is missing, null or unreadable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContactList {
    /// Id of the list.
    pub id: ListId,
    /// Display name, with HTML entities decoded.
    pub name: Option<String>,
    /// Description, with HTML entities decoded.
    pub description: Option<String>,
    /// Whether the list is marked as a favourite.
    pub favorite: Option<bool>,
    /// Number of members, at least 0. Also `None` if the request did not select the count (documented).
    pub membership_count: Option<i64>,
    /// Creation time.
    pub created_at: Option<Timestamp>,
    /// Time of the last update.
    pub updated_at: Option<Timestamp>,
    /// Deletion time. Also `None` for a list that is not deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether the list has a deletion time. `None` when that time is unreadable.
    pub is_deleted: Option<bool>,
    /// Number of values that could not be decoded and are `None`. Normally 0.
    pub unreadable_values: usize,
}

/// Segment (`/segments`). An optional field is `None` when its member is missing, null or unreadable. Deleted segments are not
/// listed but can be read by id (documented). The record of a deleted segment does not show the deletion.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Segment {
    /// Id of the segment.
    pub id: SegmentId,
    /// Display name, with HTML entities decoded.
    pub name: Option<String>,
    /// Creation time.
    pub created_at: Option<Timestamp>,
    /// Time of the last update.
    pub edited_at: Option<Timestamp>,
    /// Number of values that could not be decoded and are `None`. Normally 0.
    pub unreadable_values: usize,
}

read_as_object! {
    ContactList = "a contact list", |fields, oddities| {
        let deleted_at = fields.read("deleted_at", oddities);
        let is_blank = matches!(fields.member("deleted_at"), Member::Absent | Member::Json(r#""""#));
        Self {
            id: fields.require("list_id")?,
            name: fields.read("name", oddities).map(|Prose(name)| name),
            description: fields.read("description", oddities).map(|Prose(description)| description),
            favorite: fields.read("favorite", oddities),
            membership_count: fields.read("membership_count", oddities).map(|Count(count)| count),
            created_at: fields.read("created_at", oddities),
            updated_at: fields.read("updated_at", oddities),
            deleted_at,
            is_deleted: (deleted_at.is_some() || is_blank).then_some(deleted_at.is_some()),
            unreadable_values: oddities.values,
        }
    }
    Segment = "a segment", |fields, oddities| {
        let id = fields.require("segment_id")?;
        Self::read(id, &fields, oddities)
    }
}

impl FromJsonOf<SegmentId> for Segment {
    fn decode_of(requested: SegmentId, json: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        let json = repair_json(json);
        let mut oddities = Oddities::default();
        let fields = json::object(&json, "a segment", &mut oddities)?;
        fields.require_any(&["segment_id", "name", "created_at", "edited_at"])?;
        fields.confirm("segment_id", &requested, &mut oddities)?;
        let value = Self::read(requested, &fields, &mut oddities);
        Ok(Decoded { value, oddities })
    }
}

impl Segment {
    fn read(id: SegmentId, fields: &Fields<'_>, oddities: &mut Oddities) -> Self {
        let odd_ids = oddities.values;
        Self {
            id,
            name: fields.read("name", oddities).map(|Prose(name)| name),
            created_at: fields.read("created_at", oddities),
            edited_at: fields.read("edited_at", oddities),
            unreadable_values: oddities.values - odd_ids,
        }
    }
}

impl Listed for ContactList {
    const MEMBER: &'static str = "lists";
}

impl Listed for Segment {
    const MEMBER: &'static str = "segments";
}
