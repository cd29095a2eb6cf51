//! What contact lists and segments are called.
//!
//! Owns the fields of both. Must not know who is in them.

use alloc::string::String;

use jiff::Timestamp;

use crate::fields::{Fields, Member};
use crate::json::{self, read_as_object};
use crate::json_repair::repair_json;
use crate::lenient::{Count, Prose};
use crate::{DecodeError, Decoded, FromJsonOf, ListId, Listed, Oddities, SegmentId};

/// A contact list (`/contact_lists`). Every field but the id may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContactList {
    /// The list's id.
    pub id: ListId,
    /// Its name, for people, freed of HTML escapes.
    pub name: Option<String>,
    /// What it is for, freed of HTML escapes.
    pub description: Option<String>,
    /// Whether it is marked as a favourite.
    pub favorite: Option<bool>,
    /// How many contacts are in it. Told only where it was asked for.
    pub membership_count: Option<i64>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// When it was deleted. `None` for one that was not.
    pub deleted_at: Option<Timestamp>,
    /// Whether it was deleted, which is whether it has a date of that. `None` when there is one that cannot be read.
    pub is_deleted: Option<bool>,
    /// How many values could not be read, and are missing. 0 as a rule.
    pub unreadable_values: usize,
}

/// A segment (`/segments`). Every field but the id may be missing. Deleted ones are not listed, but can be read by
/// themselves (documented); nothing in the record tells them apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Segment {
    /// The segment's id.
    pub id: SegmentId,
    /// Its name, for people, freed of HTML escapes.
    pub name: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub edited_at: Option<Timestamp>,
    /// How many values could not be read, and are missing. 0 as a rule.
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
    fn decode_of(asked: SegmentId, json: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        let json = repair_json(json);
        let mut oddities = Oddities::default();
        let fields = json::object(&json, "a segment", &mut oddities)?;
        fields.require_any(&["segment_id", "name", "created_at", "edited_at"])?;
        fields.confirm("segment_id", &asked, &mut oddities)?;
        let value = Self::read(asked, &fields, &mut oddities);
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
