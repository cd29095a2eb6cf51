//! What contact lists and segments are called.
//!
//! Owns the fields of both. Must not know who is in them.

use alloc::string::String;

use jiff::Timestamp;
use serde::Deserialize;

use crate::json::read_as_object;
use crate::lenient::{count, text, timestamp};
use crate::{ListId, Listed, SegmentId};

/// A contact list (`/contact_lists`). Every field but the id may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct ContactList {
    /// The list's id.
    #[serde(rename = "list_id")]
    pub id: ListId,
    /// Its name, for people, freed of HTML escapes.
    #[serde(default, deserialize_with = "text")]
    pub name: Option<String>,
    /// What it is for, freed of HTML escapes.
    #[serde(default, deserialize_with = "text")]
    pub description: Option<String>,
    /// Whether it is marked as a favourite.
    pub favorite: Option<bool>,
    /// How many contacts are in it. Told only where it was asked for.
    #[serde(default, deserialize_with = "count")]
    pub membership_count: Option<i64>,
    /// When it was made.
    #[serde(default, deserialize_with = "timestamp")]
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    #[serde(default, deserialize_with = "timestamp")]
    pub updated_at: Option<Timestamp>,
    /// When it was deleted. `None` for one that was not.
    #[serde(default, deserialize_with = "timestamp")]
    pub deleted_at: Option<Timestamp>,
}

/// A segment (`/segments`). Every field but the id may be missing. Deleted ones are not listed, but can be read by
/// themselves (documented); nothing in the record tells them apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Segment {
    /// The segment's id.
    #[serde(rename = "segment_id")]
    pub id: SegmentId,
    /// Its name, for people, freed of HTML escapes.
    #[serde(default, deserialize_with = "text")]
    pub name: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "timestamp")]
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    #[serde(default, deserialize_with = "timestamp")]
    pub edited_at: Option<Timestamp>,
}

read_as_object! {
    ContactList = "a contact list",
    Segment = "a segment",
}

impl Listed for ContactList {
    const MEMBER: &'static str = "lists";
}

impl Listed for Segment {
    const MEMBER: &'static str = "segments";
}
