//! Global object identification: what a normalised cache asks again by an id alone.
//!
//! An id is read here and nowhere else: a UUID names an activity, a UUID with a colon and the place of a send one of its
//! sends, and everything else has its type and a colon before its own id.

use std::sync::Arc;

use async_graphql::{Context, ID, Interface};
use sends_core::{ActivityId, CampaignId, ListId, SegmentId};

use super::{
    ApiError,
    activity::CampaignActivity,
    audience::{ContactList, LIST, SEGMENT, Segment},
    campaign::{CAMPAIGN, Campaign},
    paging::Place,
    send::HistoricSend,
};
use crate::{sources::histories::HistoryKey, sources::loader::HistoryLoader};

/// Something with an identity of its own. No two of them share an id, whatever their types, so a cache can keep each under
/// its id.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "The identity. The `node` field finds the same object by it."
))]
pub(super) enum Node {
    CampaignActivity(CampaignActivity),
    Send(HistoricSend),
    Campaign(Campaign),
    ContactList(ContactList),
    Segment(Segment),
}

/// What an id names.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Name {
    Activity(ActivityId),
    Send(ActivityId, Place),
    Campaign(CampaignId),
    ContactList(ListId),
    Segment(SegmentId),
}

/// The object with this id. Everything is taken at its word, as everywhere; only a send has to be looked up,
/// in its history.
pub(super) async fn find(context: &Context<'_>, id: &ID) -> Result<Node, ApiError> {
    match read(id)? {
        Name::Activity(activity) => Ok(Node::CampaignActivity(CampaignActivity::new(activity, None))),
        Name::Campaign(campaign) => Ok(Node::Campaign(Campaign::new(campaign))),
        Name::ContactList(list) => Ok(Node::ContactList(ContactList(list))),
        Name::Segment(segment) => Ok(Node::Segment(Segment(segment))),
        Name::Send(activity, place) => {
            let key = HistoryKey {
                activity,
                max_age: None,
            };
            let loader = context.data_unchecked::<HistoryLoader>();
            let history = loader.load(key).await?.history;
            let index = place.index_in(&history).ok_or_else(ApiError::no_such_send)?;
            Ok(Node::Send(HistoricSend::new(
                activity,
                Arc::clone(&history),
                index,
            )))
        }
    }
}

/// The longest id that is read, in bytes: the ones of contact lists may be of any form.
const LONGEST_ID: usize = 200;

/// How many characters of a longer one are told.
const TOLD: usize = 40;

fn check_length(id: &ID) -> Result<(), ApiError> {
    if id.len() <= LONGEST_ID {
        return Ok(());
    }
    let told: String = id.chars().take(TOLD).flat_map(char::escape_debug).collect();
    let length = id.len();
    Err(ApiError::bad_user_input(format!(
        "\"{told}…\" is not an id: it has {length} bytes, and no id has more than {LONGEST_ID}."
    )))
}

fn read(id: &ID) -> Result<Name, ApiError> {
    check_length(id)?;
    let Some((activity, send_id)) = id.split_once(':') else {
        return Ok(Name::Activity(id.parse()?));
    };
    match activity {
        CAMPAIGN => return Ok(Name::Campaign(send_id.parse()?)),
        LIST if !send_id.is_empty() => return Ok(Name::ContactList(ListId::from(send_id))),
        SEGMENT => return segment(send_id).map(Name::Segment),
        _ => {}
    }
    let activity = activity.parse()?;
    let message = || {
        ApiError::bad_user_input(
            "The id of a send is that of its activity, a colon and its `sendId`; a repeated `sendId` is followed by a colon \
             and a number from 2 on.",
        )
    };
    let place = Place::of_id(send_id).ok_or_else(message)?;
    Ok(Name::Send(activity, place))
}

fn segment(id: &str) -> Result<SegmentId, ApiError> {
    let number = id.parse().ok().filter(|number: &i64| number.to_string() == id);
    let message =
        || ApiError::bad_user_input("The id of a segment is `Segment:` and its `segmentId`, a number.");
    number.map(SegmentId::new).ok_or_else(message)
}

/// A campaign's id, with or without what makes it unique among all objects.
pub(super) fn campaign_id(id: &ID) -> Result<CampaignId, ApiError> {
    Ok(without_type(id, CAMPAIGN).parse::<CampaignId>()?)
}

/// A contact list's id, likewise.
pub(super) fn list_id(id: &ID) -> ListId {
    ListId::from(without_type(id, LIST))
}

/// A segment's id, likewise.
pub(super) fn segment_id(id: &ID) -> Result<SegmentId, ApiError> {
    segment(without_type(id, SEGMENT))
}

fn without_type<'i>(id: &'i ID, kind: &str) -> &'i str {
    let rest = id.strip_prefix(kind).and_then(|id| id.strip_prefix(':'));
    rest.unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIVITY: &str = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";

    #[test]
    fn an_id_names_an_activity_or_one_of_its_sends() {
        let activity: ActivityId = ACTIVITY.parse().unwrap();
        assert_eq!(read(&ID::from(ACTIVITY)).unwrap(), Name::Activity(activity));
        for send_id in [1, 0, -7, i32::MAX] {
            let id = ID(format!("{ACTIVITY}:{send_id}"));
            assert_eq!(
                read(&id).unwrap(),
                Name::Send(activity, Place { send_id, repeat: 0 })
            );
        }
        let repeated = Place {
            send_id: 3,
            repeat: 1,
        };
        assert_eq!(
            read(&ID(format!("{ACTIVITY}:3:2"))).unwrap(),
            Name::Send(activity, repeated)
        );
    }

    #[test]
    fn everything_else_has_its_type_before_its_id() {
        let campaign: CampaignId = ACTIVITY.parse().unwrap();
        let name = |id: &str| read(&ID::from(id)).unwrap();
        assert_eq!(name(&format!("Campaign:{ACTIVITY}")), Name::Campaign(campaign));
        assert_eq!(name("Segment:-14"), Name::Segment(SegmentId::new(-14)));
        let list = Name::ContactList(ListId::from("General: Interest"));
        assert_eq!(name("ContactList:General: Interest"), list);
        for id in [
            "Campaign:",
            "Campaign:x",
            "Segment:+1",
            "Segment:",
            "ContactList:",
            "List:x",
        ] {
            assert!(read(&ID::from(id)).is_err(), "{id}");
        }
        assert_eq!(campaign_id(&ID::from(ACTIVITY)).unwrap(), campaign);
        assert_eq!(
            campaign_id(&ID(format!("Campaign:{ACTIVITY}"))).unwrap(),
            campaign
        );
        for id in ["a", "ContactList:a"] {
            assert_eq!(list_id(&ID::from(id)), ListId::from("a"));
        }
        for id in ["-14", "Segment:-14"] {
            assert_eq!(segment_id(&ID::from(id)).unwrap(), SegmentId::new(-14));
        }
        assert!(segment_id(&ID::from("ContactList:1")).is_err());
    }

    #[test]
    fn anything_else_is_the_callers_mistake() {
        for tail in [
            ":",
            ":x",
            ":01",
            ":+1",
            ": 1",
            ":1:",
            ":1:0",
            ":1:1",
            ":1:02",
            ":1:2:2",
            ":2147483648",
            "x",
        ] {
            assert!(read(&ID(format!("{ACTIVITY}{tail}"))).is_err(), "{tail}");
        }
        assert!(read(&ID::from("")).is_err());
    }

    #[test]
    fn an_id_that_is_too_long_is_told_in_part() {
        assert!(read(&ID(format!("ContactList:{}", "a".repeat(180)))).is_ok());
        let refused = read(&ID(format!("ContactList:{}", "a".repeat(100_000)))).unwrap_err();
        assert!(refused.message().len() < 120, "{}", refused.message());
    }
}
