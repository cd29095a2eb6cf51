use std::collections::BTreeSet;

use super::*;

const DAY: i64 = 86_400;
/// 3 March 2026, 23:30 UTC, five days before the start of daylight saving time in the shop's zone.
const START: Moment = Moment(1_772_580_600_000);

fn sends(records: &Records) -> impl Iterator<Item = &Send> {
    records.activities.iter().flat_map(|activity| &activity.sends)
}

#[test]
fn every_listed_activity_exists_and_identifiers_are_unique() {
    let records = shop(START);
    let ids: BTreeSet<_> = records.activities.iter().map(|activity| activity.id).collect();
    assert_eq!(ids.len(), records.activities.len());
    let listed: BTreeSet<_> = records
        .campaigns
        .iter()
        .flat_map(|campaign| campaign.activities.iter().map(|listed| listed.id))
        .collect();
    assert_eq!(listed, ids);
    assert!((25..=40).contains(&records.campaigns.len()));
}

#[test]
fn every_documented_reason_code_occurs() {
    let records = shop(START);
    let codes: BTreeSet<_> = sends(&records).filter_map(Send::reason_code).collect();
    assert_eq!(codes, (0..=12).collect());
}

#[test]
fn sends_are_past_and_schedules_are_future_on_any_day_of_the_year() {
    for day in 0..366 {
        let started_at = START.plus_seconds(day * DAY);
        let records = shop(started_at);
        for activity in &records.activities {
            let ran: Vec<_> = activity.sends.iter().filter_map(Send::run_at).collect();
            assert!(ran.is_sorted(), "{activity:?}");
            assert!(ran.iter().all(|ran| *ran < started_at), "{activity:?}");
            assert!(
                activity.scheduled_at.is_none_or(|at| at > started_at),
                "{activity:?}"
            );
        }
        for campaign in &records.campaigns {
            assert!(campaign.created_at < campaign.updated_at, "{campaign:?}");
            assert!(campaign.updated_at < started_at, "{campaign:?}");
        }
        // The service's examples show these campaigns with their lists.
        let mut latest: Vec<_> = records.campaigns.iter().collect();
        latest.sort_by_key(|campaign| std::cmp::Reverse(campaign.updated_at));
        for campaign in &latest[..5] {
            let primary = records
                .activities
                .iter()
                .find(|activity| activity.campaign_id == campaign.id);
            assert!(!primary.unwrap().list_ids.is_empty(), "{campaign:?}");
            assert_ne!(campaign.status, "Draft");
        }
        let recent = sends(&records).filter(|send| {
            send.reason_code() == Some(9) && send.run_at() > Some(started_at.plus_seconds(-8 * DAY))
        });
        assert_eq!(recent.count(), 1);
    }
}

#[test]
fn sandboxes_of_one_day_are_equal_and_those_of_two_days_share_identifiers() {
    let text = |started_at| format!("{:?}", shop(started_at));
    assert_eq!(text(START), text(START.plus_seconds(3600)));
    let ids = |started_at| {
        let records = shop(started_at);
        records
            .activities
            .iter()
            .map(|activity| activity.id)
            .collect::<Vec<_>>()
    };
    let later = START.plus_seconds(40 * DAY);
    assert_ne!(text(START), text(later));
    assert_eq!(ids(START), ids(later));
}

#[test]
fn newsletters_are_sent_on_tuesdays_at_ten_in_summer_and_winter_time() {
    let records = shop(START.plus_seconds(21 * DAY));
    let letters = records
        .campaigns
        .iter()
        .filter(|campaign| campaign.name.starts_with("Newsletter"));
    let zone = jiff::tz::TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
    let mut seen = 0;
    for letter in letters {
        let id = letter.activities[0].id;
        let primary = records.activities.iter().find(|one| one.id == id).unwrap();
        let Some(first) = primary.sends.first().and_then(Send::run_at) else {
            continue;
        };
        let local = zone.to_datetime(jiff::Timestamp::from_millisecond(first.0).unwrap());
        assert_eq!(
            (local.weekday(), local.hour(), local.minute()),
            (Weekday::Tuesday, 10, 0)
        );
        seen += 1;
    }
    assert_eq!(seen, 16);
}

#[test]
fn documented_activities_are_those_of_the_shop() {
    let records = shop(START);
    let known: BTreeSet<_> = records
        .activities
        .iter()
        .map(|activity| activity.id.to_string())
        .collect();
    let documentation = include_str!("../../reference.md");
    let (_, table) = documentation.split_once("# The shop").unwrap();
    let (table, _) = table.split_once("# Odd records").unwrap();
    let documented: Vec<_> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert!(documented.len() > 10, "{documented:?}");
    for id in documented {
        assert!(known.contains(id), "{id}");
    }
}
