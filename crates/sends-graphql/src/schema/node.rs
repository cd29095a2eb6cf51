//! Global object identification.
//!
//! Parses all global ids. The id of an activity is its UUID. The id of a send is the UUID of its activity, a colon and the
//! position in the history. Any other id is the type name, a colon and the upstream id.

use async_graphql::{Context, ID, Interface};
use sends_core::{ActivityId, CampaignId, ListId, SegmentId};

use super::{
    ApiError,
    activity::CampaignActivity,
    audience::{ContactList, LIST, SEGMENT, Segment},
    campaign::{CAMPAIGN, Campaign, KnownCampaign},
    charge,
    paging::Place,
    send::HistoricSend,
};
use crate::{sources::histories::HistoryKey, sources::loader::HistoryLoader};

/// Object with a global id. Global ids are unique among all types, so that a client can cache objects by `id` alone. An object has
/// the same values on every path that leads to it, except that paths can differ in the age of the data.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "Global id, for which `node` returns the same object. Opaque, except that the id of an activity is its UUID."
))]
pub(super) enum Node {
    CampaignActivity(CampaignActivity),
    Send(HistoricSend),
    Campaign(Campaign),
    ContactList(ContactList),
    Segment(Segment),
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum GlobalId {
    Activity(ActivityId),
    Send(ActivityId, Place),
    Campaign(CampaignId),
    ContactList(ListId),
    Segment(SegmentId),
}

/// Returns the object with this id. Only a send is looked up. The fields of any other object report that the object is missing.
pub(super) async fn find(context: &Context<'_>, id: &ID) -> Result<Node, ApiError> {
    match parse(id).ok_or_else(|| wrong(id, "an id of this schema. Use the `id` of an object"))? {
        GlobalId::Activity(activity) => Ok(Node::CampaignActivity(CampaignActivity::new(activity, None))),
        GlobalId::Campaign(campaign) => Ok(Node::Campaign(Campaign::new(campaign))),
        GlobalId::ContactList(list) => {
            charge::long_id(context, id.len().saturating_sub(MAX_LENGTH))?;
            Ok(Node::ContactList(ContactList(list)))
        }
        GlobalId::Segment(segment) => Ok(Node::Segment(Segment(segment))),
        GlobalId::Send(activity, place) => {
            let key = HistoryKey {
                activity,
                max_age: None,
            };
            let history = context.data_unchecked::<HistoryLoader>().load(key).await?.history;
            let index = place.index_in(&history).ok_or_else(ApiError::no_such_send)?;
            let send = HistoricSend::new(activity, history, index, KnownCampaign::Nothing);
            Ok(Node::Send(send))
        }
    }
}

/// Maximum length of an id in bytes, except for a contact list, whose id upstream can be of any length. Any number of fields can
/// repeat an id in the response, whose memory estimate assumes this length.
const MAX_LENGTH: usize = 200;

fn parse(id: &ID) -> Option<GlobalId> {
    let Some((kind, rest)) = id.split_once(':') else {
        return id.parse().ok().map(GlobalId::Activity);
    };
    match kind {
        LIST => Some(GlobalId::ContactList(ListId::from(rest))),
        _ if id.len() > MAX_LENGTH => None,
        CAMPAIGN => rest.parse().ok().map(GlobalId::Campaign),
        SEGMENT => segment(rest).map(GlobalId::Segment),
        activity => Some(GlobalId::Send(activity.parse().ok()?, Place::of_id(rest)?)),
    }
}

fn segment(id: &str) -> Option<SegmentId> {
    let number = id.parse().ok().filter(|number: &i64| number.to_string() == id);
    number.map(SegmentId::new)
}

/// Maximum length of an id in an error message, in characters.
const EXCERPT: usize = 60;

fn wrong(id: &ID, expected: &str) -> ApiError {
    let mut excerpt: String = id.chars().take(EXCERPT).flat_map(char::escape_debug).collect();
    if id.chars().nth(EXCERPT).is_some() {
        excerpt.push('…');
    }
    ApiError::bad_user_input(format!("\"{excerpt}\" is not {expected}."))
}

pub(super) fn activity_id(id: &ID) -> Result<ActivityId, ApiError> {
    Ok(id.parse::<ActivityId>()?)
}

/// Parses a `campaignId` or the global id of a campaign.
pub(super) fn campaign_id(id: &ID) -> Result<CampaignId, ApiError> {
    Ok(without_type(id, CAMPAIGN).parse::<CampaignId>()?)
}

/// Parses a `listId` or the global id of a contact list.
pub(super) fn list_id(id: &ID) -> Result<ListId, ApiError> {
    let is_of_other_type = [CAMPAIGN, SEGMENT]
        .iter()
        .any(|other| without_type(id, other).len() < id.len());
    if id.is_empty() || is_of_other_type {
        return Err(wrong(
            id,
            "a contact list id. Use a `listId`, or the `id` of a contact list",
        ));
    }
    Ok(ListId::from(without_type(id, LIST)))
}

/// Parses a `segmentId` or the global id of a segment.
pub(super) fn segment_id(id: &ID) -> Result<SegmentId, ApiError> {
    let expected = "a segment id. Use a `segmentId`, which is a 64-bit integer, or the `id` of a segment";
    segment(without_type(id, SEGMENT)).ok_or_else(|| wrong(id, expected))
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
    fn global_ids_of_every_type_are_parsed() {
        let (activity, campaign) = (ACTIVITY.parse().unwrap(), ACTIVITY.parse().unwrap());
        let place = |send_id, repeat| Place { send_id, repeat };
        for (id, expected) in [
            (ACTIVITY.to_owned(), GlobalId::Activity(activity)),
            (format!("{ACTIVITY}:1"), GlobalId::Send(activity, place(1, 0))),
            (format!("{ACTIVITY}:-7"), GlobalId::Send(activity, place(-7, 0))),
            (
                format!("{ACTIVITY}:2147483647"),
                GlobalId::Send(activity, place(i32::MAX, 0)),
            ),
            (format!("{ACTIVITY}:3:2"), GlobalId::Send(activity, place(3, 1))),
            (format!("Campaign:{ACTIVITY}"), GlobalId::Campaign(campaign)),
            ("Segment:-14".to_owned(), GlobalId::Segment(SegmentId::new(-14))),
            (
                "ContactList:General: Interest".to_owned(),
                GlobalId::ContactList(ListId::from("General: Interest")),
            ),
            (
                format!("ContactList:{}", "a".repeat(10_000)),
                GlobalId::ContactList(ListId::from(&*"a".repeat(10_000))),
            ),
        ] {
            assert_eq!(parse(&ID(id.clone())), Some(expected), "{id}");
        }
    }

    #[test]
    fn malformed_global_ids_are_rejected() {
        let tails = [
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
        ];
        let too_long = format!("Segment:{}", "1".repeat(200));
        let others = [
            "",
            &too_long,
            "Campaign:",
            "Campaign:x",
            "Segment:+1",
            "Segment:",
            "List:x",
        ];
        let ids = tails.map(|tail| format!("{ACTIVITY}{tail}"));
        for id in ids.into_iter().chain(others.map(str::to_owned)) {
            assert_eq!(parse(&ID(id.clone())), None, "{id}");
        }
    }

    #[test]
    fn filters_accept_upstream_ids_and_global_ids() {
        let campaign: CampaignId = ACTIVITY.parse().unwrap();
        for id in [ACTIVITY.to_owned(), format!("Campaign:{ACTIVITY}")] {
            assert_eq!(campaign_id(&ID(id)).unwrap(), campaign);
        }
        for id in ["a", "ContactList:a"] {
            assert_eq!(list_id(&ID::from(id)).unwrap(), ListId::from("a"));
        }
        for id in ["-14", "Segment:-14"] {
            assert_eq!(segment_id(&ID::from(id)).unwrap(), SegmentId::new(-14));
        }
        assert!(segment_id(&ID::from("ContactList:1")).is_err());
        for id in ["", "Segment:1", &format!("Campaign:{ACTIVITY}")] {
            assert!(list_id(&ID::from(id)).is_err(), "{id}");
        }
    }

    #[test]
    fn error_quotes_only_the_start_of_a_long_id() {
        let error = segment_id(&ID("x".repeat(100_000))).unwrap_err();
        assert!(error.message().len() < 200, "{}", error.message());
    }
}
