//! Owns contact lists and segments: the showcase's, and those of a generated account. Must not know how an endpoint
//! shows or pages them.

use uuid::{Uuid, uuid};

use super::identifiers::{Key, Kind};
use crate::clock::Moment;

/// The list of the guide's example.
pub(crate) const GUIDE_LIST: Uuid = uuid!("f4ab800a-5adf-11e9-ba6a-fa163e6b01c1");
pub(crate) const REGULARS: Uuid = uuid!("11570000-0000-4000-8000-000000000001");
pub(crate) const FRIENDS: Uuid = uuid!("11570000-0000-4000-8000-000000000002");
pub(crate) const EMPTY: Uuid = uuid!("11570000-0000-4000-8000-000000000003");
pub(crate) const DELETED: Uuid = uuid!("11570000-0000-4000-8000-000000000004");
pub(crate) const SPARSE: Uuid = uuid!("11570000-0000-4000-8000-000000000005");

pub(crate) const ENGAGED: i64 = 14;
pub(crate) const DELETED_SEGMENT: i64 = 17;
/// Above what fits 32 bits: segment ids are documented as 64-bit numbers.
pub(crate) const LARGE_SEGMENT: i64 = 9_007_199_254_740_993;

const FIRST_GENERATED_SEGMENT: i64 = 1000;

#[derive(Clone, Debug)]
pub(crate) struct ContactList {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) description: Option<&'static str>,
    pub(crate) favorite: bool,
    pub(crate) created_at: Option<&'static str>,
    pub(crate) deleted_at: Option<&'static str>,
    pub(crate) members: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) deleted: bool,
}

const CREATED: Option<&str> = Some("2016-03-03T10:56:29-05:00");

fn list(id: Uuid, name: &str, members: i64) -> ContactList {
    ContactList {
        id,
        name: name.to_owned(),
        description: None,
        favorite: false,
        created_at: CREATED,
        deleted_at: None,
        members,
    }
}

pub(crate) fn showcase_lists() -> Vec<ContactList> {
    vec![
        ContactList {
            description: Some("Everyone who signed up at the till"),
            favorite: true,
            ..list(GUIDE_LIST, "Newsletter", 2)
        },
        list(REGULARS, "Regulars", 1_204),
        list(FRIENDS, "Friends &amp; Family", 86),
        list(EMPTY, "Opening night", 0),
        ContactList {
            deleted_at: Some("2024-02-29T23:59:59Z"),
            ..list(DELETED, "Old catalogue", 412)
        },
        ContactList {
            created_at: None,
            ..list(SPARSE, "Imported", 50)
        },
    ]
}

pub(crate) fn showcase_segments() -> Vec<Segment> {
    let segment = |id, name: &str, deleted| Segment {
        id,
        name: name.to_owned(),
        deleted,
    };
    vec![
        segment(ENGAGED, "Opened something this season", false),
        segment(15, "Bought twice &amp; more", false),
        segment(DELETED_SEGMENT, "Summer visitors", true),
        segment(LARGE_SEGMENT, "Near the shop", false),
    ]
}

pub(crate) fn generated_lists(key: Key, count: u64) -> Vec<ContactList> {
    (0..count)
        .map(|index| {
            let members = i64::try_from(key.hash(0x6C69, index) % 20_000).unwrap_or(0);
            list(
                key.identifier(Kind::List, index),
                &format!("Generated list {}", index + 1),
                members,
            )
        })
        .collect()
}

pub(crate) fn generated_segment_id(index: u64) -> i64 {
    FIRST_GENERATED_SEGMENT + i64::try_from(index).unwrap_or(0)
}

pub(crate) fn generated_segments(count: u64) -> Vec<Segment> {
    (0..count)
        .map(|index| Segment {
            id: generated_segment_id(index),
            name: format!("Generated segment {}", index + 1),
            deleted: false,
        })
        .collect()
}

/// When a segment was made, which follows from its number alone.
pub(crate) fn segment_created_at(id: i64) -> Moment {
    Moment(1_560_000_000_000).plus_seconds(id.rem_euclid(10_000) * 3600)
}
