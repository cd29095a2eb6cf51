//! Owns contact lists and segments: the shop's, those of the odd records, and those of a generated account. Must not know how an endpoint
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

pub(crate) const NEWSLETTER: Uuid = uuid!("5f0c2a8e-71d3-4b19-9a06-c4e2d87b3f10");
pub(crate) const FRIENDS_OF_SHOP: Uuid = uuid!("b93e60d4-1c57-4f82-8e2b-07a9c5d1f346");
pub(crate) const BOOK_CLUB: Uuid = uuid!("2d8417fb-a0e6-4c3d-b5f9-6e1b92c07a58");
pub(crate) const EVENT_GUESTS: Uuid = uuid!("c7a1f593-48bd-4e0a-8d64-f3920b5e7c81");
pub(crate) const FAMILIES: Uuid = uuid!("81e5d3b0-f96a-4278-a14c-5b0e8d73c9f2");
pub(crate) const SCHOOLS: Uuid = uuid!("0a6fc94d-3e28-4d71-9b87-d15a40e6f2c3");
pub(crate) const FAIR: Uuid = uuid!("e43b7810-95cd-4a6f-83d2-2fc60a9e1b74");
pub(crate) const TRADE: Uuid = uuid!("69d20fe7-b481-4c95-a7e3-18c5f0d4932b");

pub(crate) const ENGAGED: i64 = 14;
pub(crate) const NEARBY: i64 = 21;
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

fn segment(id: i64, name: &str, deleted: bool) -> Segment {
    Segment {
        id,
        name: name.to_owned(),
        deleted,
    }
}

pub(crate) fn shop_lists() -> Vec<ContactList> {
    let described = |id, name, members, description, created_at| ContactList {
        description: Some(description),
        created_at: Some(created_at),
        ..list(id, name, members)
    };
    vec![
        ContactList {
            favorite: true,
            ..described(
                NEWSLETTER,
                "Newsletter",
                4_302,
                "Signed up on the website or at the till",
                "2019-09-02T15:20:41-04:00",
            )
        },
        described(
            FRIENDS_OF_SHOP,
            "Friends &amp; Family",
            86,
            "Members who pay for a reading room seat",
            "2020-01-14T10:05:12-05:00",
        ),
        described(
            BOOK_CLUB,
            "Reading group",
            64,
            "Meets every third Thursday",
            "2021-03-22T17:44:03-04:00",
        ),
        described(
            EVENT_GUESTS,
            "Event guests",
            118,
            "Reserved a seat for an evening",
            "2022-05-30T09:12:55-04:00",
        ),
        described(
            FAMILIES,
            "Families",
            537,
            "Story hour and children's books",
            "2021-11-08T11:31:20-05:00",
        ),
        described(
            SCHOOLS,
            "Schools",
            41,
            "Teachers who order class sets",
            "2023-08-17T13:02:37-04:00",
        ),
        described(
            FAIR,
            "Fair visitors",
            2_140,
            "Left their address at our stall",
            "2024-06-10T18:26:49-04:00",
        ),
        described(
            TRADE,
            "Trade contacts (imported)",
            11_293,
            "From the chamber of commerce",
            "2024-02-06T08:58:15-05:00",
        ),
        described(
            GUIDE_LIST,
            "Test readers",
            2,
            "The two of us, for trials",
            "2019-04-12T10:56:29-04:00",
        ),
    ]
}

pub(crate) fn shop_segments() -> Vec<Segment> {
    vec![
        segment(ENGAGED, "Opened in the last 90 days", false),
        segment(15, "Bought twice or more", false),
        segment(NEARBY, "Lives near the shop", false),
    ]
}

pub(crate) fn odd_lists() -> Vec<ContactList> {
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

pub(crate) fn odd_segments() -> Vec<Segment> {
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
