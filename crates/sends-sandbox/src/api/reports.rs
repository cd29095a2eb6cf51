//! Statistics of activities and campaigns, and the summaries of the most recently sent campaigns.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Call;
use super::paging::{campaign_page, parse_id};
use crate::clock::Moment;
use crate::config::settings::{StatsKeys, SummaryCounts};
use crate::data::account::{Account, Order};
use crate::data::campaigns::{Campaign, Engagement};
use crate::errors;
use crate::reply::Reply;

pub(super) const SUMMARIES_PATH: &str = "reports/summary_reports/email_campaign_summaries";

const FAMILY: &str = "reports";
const MAX_ACTIVITIES: usize = 10;
const MAX_CAMPAIGNS: usize = 150;

/// Parses the identifiers of a batch. A malformed identifier fails the batch.
fn batch(call: &Call<'_>, ids: &str, most: usize) -> Result<Vec<Uuid>, Reply> {
    // A client may escape the commas.
    let ids = ids.replace("%2C", ",").replace("%2c", ",");
    let ids: Option<Vec<_>> = ids.split(',').map(parse_id).collect();
    let ids = ids.ok_or_else(|| errors::not_found(call.settings, FAMILY))?;
    if ids.len() > most {
        let message = format!("At most {most} identifiers are allowed.");
        return Err(errors::bad_request(FAMILY, &message));
    }
    Ok(ids)
}

pub(super) fn activity_stats(call: &Call<'_>, ids: &str, now: Moment) -> Result<Reply, Reply> {
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    let mut has_drafts = false;
    for id in batch(call, ids, MAX_ACTIVITIES)? {
        match call.bearer.account.activity(id) {
            Some(activity) if !activity.sends.is_empty() => results.push(json!({
                "campaign_id": activity.campaign_id,
                "campaign_activity_id": id,
                "last_refresh_time": now,
                "stats": stats(call, Engagement::of(&activity)),
            })),
            unsent => {
                has_drafts |= unsent.is_some();
                errors.push(json!({
                    "campaign_activity_id": id,
                    "error_key": "reports.api.not_found",
                    "error_message": "The identifier is not known.",
                }));
            }
        }
    }
    if has_drafts && results.is_empty() {
        // If an activity has no statistics, it is among the errors. A batch of drafts fails as a whole (documented).
        return Err(errors::not_found(call.settings, FAMILY));
    }
    Ok(Reply::ok(&json!({"errors": errors, "results": results})))
}

pub(super) fn campaign_stats(call: &Call<'_>, ids: &str, now: Moment) -> Result<Reply, Reply> {
    let account = &call.bearer.account;
    let mut results = Vec::new();
    for id in batch(call, ids, MAX_CAMPAIGNS)? {
        let campaign = account
            .campaign(id)
            .ok_or_else(|| errors::not_found(call.settings, FAMILY))?;
        results.push(json!({
            "campaign_id": id,
            "last_refresh_time": now,
            "stats": stats(call, engagement(account, &campaign)),
        }));
    }
    Ok(Reply::ok(&json!({"errors": [], "results": results})))
}

fn engagement(account: &Account, campaign: &Campaign) -> Engagement {
    campaign
        .activities
        .iter()
        .filter_map(|listed| account.activity(listed.id))
        .map(|activity| Engagement::of(&activity))
        .fold(Engagement::default(), Engagement::plus)
}

fn stats(call: &Call<'_>, engagement: Engagement) -> Value {
    let dot = match call.settings.stats_keys {
        StatsKeys::Dotted => '.',
        StatsKeys::Underscored => '_',
    };
    let counts = engagement.counts();
    let mut stats: Map<_, _> = counts
        .map(|(name, count)| (format!("em_{name}"), json!(count)))
        .collect();
    for (kind, all) in [("opens", engagement.opens()), ("clicks", engagement.clicks())] {
        let devices = [
            ("mobile", all / 2),
            ("computer", all - all / 2 - all / 10),
            ("tablet", all / 10),
            ("other", 0),
            ("none", 0),
        ];
        for (device, count) in devices {
            stats.insert(format!("em_{kind}{dot}all{dot}{device}"), json!(count));
        }
        stats.insert(format!("em_{kind}{dot}all"), json!(all));
    }
    let full = engagement.bounces() / 3;
    let bounces = [
        ("nonexistent_address", engagement.bounces() - full),
        ("mailbox_full", full),
        ("blocked", 0),
        ("other", 0),
        ("suspended", 0),
        ("undeliverable", 0),
        ("vacation", 0),
    ];
    stats.extend(bounces.map(|(kind, count)| (format!("em_bounces{dot}{kind}"), json!(count))));
    Value::Object(stats)
}

pub(super) fn campaign_summaries(call: &Call<'_>) -> Result<Reply, Reply> {
    let account = &call.bearer.account;
    let range = (Order::LastSent, call.query.place(FAMILY)?, None);
    let member = "bulk_email_campaign_summaries";
    campaign_page(call, FAMILY, SUMMARIES_PATH, member, range, |place, campaign| {
        json!({
            "campaign_id": campaign.id,
            "campaign_type": "Newsletter",
            "last_sent_date": place.at,
            "unique_counts": counts(call, engagement(account, campaign)),
        })
    })
}

fn counts(call: &Call<'_>, engagement: Engagement) -> Value {
    let value = |count: i64| match call.settings.summary_counts {
        SummaryCounts::Numbers => json!(count),
        SummaryCounts::Strings => json!(count.to_string()),
    };
    engagement
        .counts()
        .map(|(name, count)| (name.to_owned(), value(count)))
        .collect()
}
