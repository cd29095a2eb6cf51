//! Generated sends and campaigns, and a reference implementation of filters.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sends_core::{
    ActivityId, ActivityReference, Campaign, CampaignId, CampaignStatus, ListId, Outcome, ReasonCategory,
    ReasonCode, SegmentId, SendAttempt, SendFilter, SendHistory, SendStatus, Verbatim,
};
use sends_store::{
    Answer, GroupBy, GroupKey, LogFilter, LogOrder, LoggedSend, Owner, SqliteStore, Store, StoredAnswer,
    SyncLog, TotalGroup,
};

/// Histories by activity, and names by campaign. An activity belongs to the campaign with half its number if that campaign
/// exists.
#[derive(Clone, Debug)]
pub(crate) struct World {
    histories: BTreeMap<u8, Option<SendHistory>>,
    campaigns: BTreeMap<u8, Option<String>>,
    /// Whether the campaigns are stored before the histories.
    campaigns_first: bool,
}

pub(crate) fn activity(number: u8) -> ActivityId {
    ActivityId::from_bytes([number; 16])
}

fn campaign_id(number: u8) -> CampaignId {
    CampaignId::from_bytes([number; 16])
}

pub(crate) fn campaign(number: u8, name: Option<String>) -> Campaign {
    Campaign {
        id: campaign_id(number),
        name,
        status: Some(CampaignStatus::Done.into()),
        campaign_type: Some("NEWSLETTER".to_owned()),
        type_code: Some(10),
        created_at: Some("2019-04-18T20:03:08.108Z".parse().unwrap()),
        updated_at: None,
    }
}

/// Time zone rule that requires no time zone database.
pub(crate) fn new_york() -> TimeZone {
    TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap()
}

impl World {
    pub(crate) async fn keep(&self, store: &SqliteStore, owner: Owner) {
        if self.campaigns_first {
            self.keep_campaigns(store, owner).await;
        }
        for (number, history) in &self.histories {
            let answer = history
                .clone()
                .map_or(Answer::NotFound, |history| Answer::History(Arc::new(history)));
            // The second response replaces the first completely, unless the campaign is known.
            let before = (!self.campaigns_first).then(|| Answer::History(Arc::new(some_history())));
            for answer in before.into_iter().chain([answer]) {
                let stored = StoredAnswer {
                    fetched_at: Timestamp::UNIX_EPOCH,
                    answer,
                };
                store.keep(owner, activity(*number), stored).await.unwrap();
            }
        }
        if !self.campaigns_first {
            self.keep_campaigns(store, owner).await;
        }
    }

    async fn keep_campaigns(&self, store: &SqliteStore, owner: Owner) {
        for (number, name) in &self.campaigns {
            let activities = [2 * number, 2 * number + 1].map(|number| ActivityReference {
                id: activity(number),
                role: None,
            });
            let campaign = campaign(*number, name.clone());
            store
                .keep_activities(owner, campaign, activities.to_vec(), vec![])
                .await
                .unwrap();
        }
    }

    pub(crate) fn chosen(&self, filter: &LogFilter, order: LogOrder) -> Vec<LoggedSend> {
        let mut chosen = Vec::new();
        for (number, history) in &self.histories {
            let campaign = self
                .campaigns
                .get(&(number / 2))
                .map(|name| campaign(number / 2, name.clone()));
            for (ordinal, send) in (0..).zip(history.iter().flatten()) {
                let before = (0..ordinal).zip(history.iter().flatten());
                let same = before.filter(|(_, before)| before.send_id == send.send_id);
                let send = LoggedSend {
                    activity: activity(*number),
                    ordinal,
                    repeat: u32::try_from(same.count()).unwrap(),
                    campaign: campaign.clone(),
                    send: send.clone(),
                };
                if matches(filter, &send) {
                    chosen.push(send);
                }
            }
        }
        chosen.sort_by(|one, other| compare(one, other, order));
        chosen
    }
}

fn matches(filter: &LogFilter, send: &LoggedSend) -> bool {
    let campaign = send.campaign.as_ref();
    let name = campaign.and_then(|campaign| campaign.name.as_ref());
    filter.send.matches(&send.send)
        && (filter.activities.is_empty() || filter.activities.contains(&send.activity))
        && (filter.campaigns.is_empty()
            || campaign.is_some_and(|campaign| filter.campaigns.contains(&campaign.id)))
        && filter
            .campaign_name
            .as_ref()
            .is_none_or(|part| name.is_some_and(|name| name.to_lowercase().contains(&part.to_lowercase())))
}

fn compare(one: &LoggedSend, other: &LoggedSend, order: LogOrder) -> Ordering {
    let key = |send: &LoggedSend| (send.send.run_date, send.activity, send.ordinal);
    let undated = one.send.run_date.is_none().cmp(&other.send.run_date.is_none());
    undated.then_with(|| match order {
        LogOrder::OldestFirst => key(one).cmp(&key(other)),
        LogOrder::NewestFirst => key(other).cmp(&key(one)),
    })
}

pub(crate) fn check_totals(sends: &[LoggedSend], group_by: &GroupBy, totals: &[TotalGroup]) {
    let mut expected: HashMap<GroupKey, (Vec<Outcome>, i128)> = HashMap::new();
    for send in sends {
        for key in keys(send, group_by) {
            let (outcomes, contacts) = expected.entry(key).or_default();
            outcomes.push(send.send.outcome());
            if send.send.outcome() == Outcome::Sent {
                *contacts += i128::from(send.send.count.unwrap_or(0));
            }
        }
    }
    assert_eq!(totals.len(), expected.len(), "{group_by:?}: {totals:?}");
    for TotalGroup { key, total } in totals {
        let (outcomes, contacts) = &expected[key];
        assert_eq!(total.sends(), outcomes.len() as u64);
        for outcome in Outcome::ALL {
            let count = outcomes.iter().filter(|other| **other == outcome).count();
            assert_eq!(total.with_outcome(outcome), count as u64);
        }
        assert_eq!(
            total.contacts_reached(),
            i64::try_from(*contacts).unwrap_or(i64::MAX)
        );
    }
}

fn keys(send: &LoggedSend, group_by: &GroupBy) -> Vec<GroupKey> {
    let day = |zone: &TimeZone| send.send.run_date.map(|date| zone.to_datetime(date).date());
    let monday = |day: Date| {
        day.checked_sub(day.weekday().to_monday_zero_offset().days())
            .unwrap()
    };
    vec![match group_by {
        GroupBy::Outcome => GroupKey::Outcome(send.send.outcome()),
        GroupBy::Reason => GroupKey::Reason(send.send.reason_code),
        GroupBy::Day(zone) => GroupKey::Date(day(zone)),
        GroupBy::Week(zone) => GroupKey::Date(day(zone).map(monday)),
        GroupBy::Month(zone) => GroupKey::Date(day(zone).map(Date::first_of_month)),
        GroupBy::Campaign => {
            GroupKey::Campaign(send.campaign.clone().map(|campaign| (campaign.id, campaign.name)))
        }
        GroupBy::List => {
            let mut lists = send.send.contact_list_ids.clone();
            lists.sort();
            lists.dedup();
            if lists.is_empty() {
                return vec![GroupKey::List(None)];
            }
            return lists.into_iter().map(|list| GroupKey::List(Some(list))).collect();
        }
    }]
}

fn some_history() -> SendHistory {
    let json = br#"[{"send_id": 1, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"]},
                    {"send_id": 2, "segment_ids": [3]}]"#;
    SendHistory::from_json(json).unwrap()
}

pub(crate) fn any_world() -> impl Strategy<Value = World> {
    let history = vec(any_send(), 0..5).prop_map(SendHistory::new);
    (
        btree_map(0..8_u8, option::weighted(0.9, history), 0..8),
        btree_map(0..4_u8, option::weighted(0.9, any_name()), 0..4),
        any::<bool>(),
    )
        .prop_map(|(histories, campaigns, campaigns_first)| World {
            histories,
            campaigns,
            campaigns_first,
        })
}

fn any_name() -> impl Strategy<Value = String> {
    "[aBÉé%_\\\\']{0,4}"
}

fn any_send() -> impl Strategy<Value = SendAttempt> {
    (
        0..4_i32,
        vec(select(lists()), 0..3),
        vec((1..4_i64).prop_map(SegmentId::new), 0..2),
        option::of(prop_oneof![0..3_i64, any::<i64>()]),
        option::weighted(0.8, any_date()),
        option::of(select(statuses())),
        option::of((-1..15).prop_map(ReasonCode::new)),
    )
        .prop_map(
            |(send_id, contact_list_ids, segment_ids, count, run_date, send_status, reason_code)| {
                SendAttempt {
                    send_id,
                    contact_list_ids,
                    segment_ids,
                    count,
                    run_date,
                    send_status,
                    reason_code,
                }
            },
        )
}

fn lists() -> Vec<ListId> {
    [
        "f4ab800a-5adf-11e9-ba6a-fa163e6b01c1",
        "f4ab800a5adf11e9ba6afa163e6b01c1",
        "1ead98be-dfa0-4e04-81f7-5f1534d42e9c",
        "no UUID",
    ]
    .map(ListId::from)
    .to_vec()
}

fn statuses() -> Vec<Verbatim<SendStatus>> {
    ["COMPLETED", "ERRORED", "Paused", "Completed"]
        .map(Verbatim::from)
        .to_vec()
}

fn any_date() -> impl Strategy<Value = Timestamp> {
    // Daylight saving changes in New York, the beginning of 1970, and the limits of the type.
    let moments = [
        "2024-03-10T06:59:59.999Z",
        "2024-03-10T07:00:00Z",
        "2024-03-11T03:59:59Z",
        "2024-11-03T05:59:59Z",
        "2024-11-03T06:00:00Z",
        "2024-12-31T23:59:59Z",
        "1969-12-31T23:59:59.5Z",
        "1970-01-01T00:00:00Z",
        "-009999-02-02T00:00:00Z",
        "9999-12-30T00:00:00Z",
    ];
    let moments: Vec<Timestamp> = moments.iter().map(|text| text.parse().unwrap()).collect();
    prop_oneof![
        select(moments),
        (1_700_000_000..1_700_864_000_i64).prop_map(|second| Timestamp::from_second(second).unwrap()),
    ]
}

pub(crate) fn any_filter() -> impl Strategy<Value = LogFilter> {
    let few = 0..3_usize;
    let send = (
        (subsequence(statuses(), few.clone()), any::<bool>()),
        subsequence(Outcome::ALL.to_vec(), 0..4),
        vec((-1..15).prop_map(ReasonCode::new), 0..4),
        subsequence(ReasonCategory::ALL.to_vec(), 0..6),
        (
            subsequence(lists(), few.clone()),
            vec((1..4_i64).prop_map(SegmentId::new), 0..2),
        ),
        (option::of(any_date()), option::of(any_date())),
    );
    let rarely = |filter: bool| prop_oneof![3 => Just(false), 1 => Just(filter)];
    (
        send,
        vec((0..4_u8).prop_map(campaign_id), 0..3),
        vec((0..8_u8).prop_map(activity), 0..4),
        option::of(any_name()),
        vec(rarely(true), 10),
    )
        .prop_map(|(send, campaigns, activities, campaign_name, takes)| {
            let ((statuses, unfamiliar_status), outcomes, reason_codes, reason_categories, audience, dates) =
                send;
            let mut filter = LogFilter::default();
            if takes[0] {
                filter.send.statuses = statuses.iter().map(|status| SendStatus::clone(status)).collect();
                filter.send.unfamiliar_status = unfamiliar_status;
            }
            filter.send = SendFilter {
                outcomes: if takes[1] { outcomes } else { Vec::new() },
                reason_codes: if takes[2] { reason_codes } else { Vec::new() },
                reason_categories: if takes[3] { reason_categories } else { Vec::new() },
                contact_lists: if takes[4] { audience.0 } else { Vec::new() },
                segments: if takes[5] { audience.1 } else { Vec::new() },
                from: dates.0.filter(|_| takes[6]),
                until: dates.1.filter(|_| takes[6]),
                ..filter.send
            };
            filter.campaigns = if takes[7] { campaigns } else { Vec::new() };
            filter.activities = if takes[8] { activities } else { Vec::new() };
            filter.campaign_name = campaign_name.filter(|_| takes[9]);
            filter
        })
}
