//! Owns the endpoints under `/reports`: statistics by activity and by campaign, and the summaries of what was sent last.
//! Must not know where the data comes from.

use http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Call;
use super::paging::{after_place, link, parse_id};
use crate::clock::Moment;
use crate::config::settings::{StatsKeys, SummaryCounts};
use crate::data::account::{Account, Order};
use crate::data::campaigns::{Campaign, Engagement};
use crate::errors;
use crate::reply::Reply;

const FAMILY: &str = "reports";
const MOST_ACTIVITIES: usize = 10;
const MOST_CAMPAIGNS: usize = 150;

/// The identifiers of a batch: one that is malformed fails them all.
fn batch(call: &Call<'_>, ids: &str, most: usize) -> Result<Vec<Uuid>, Reply> {
    // A client may escape the commas, which mean the same escaped.
    let ids = ids.replace("%2C", ",").replace("%2c", ",");
    let ids: Option<Vec<_>> = ids.split(',').map(parse_id).collect();
    let ids = ids.ok_or_else(|| errors::not_found(call.settings, FAMILY))?;
    if ids.len() > most {
        return Err(errors::bad_request(
            FAMILY,
            &format!("At most {most} identifiers may be asked for."),
        ));
    }
    Ok(ids)
}

pub(super) fn activity_stats(call: &Call<'_>, ids: &str, now: Moment) -> Result<Reply, Reply> {
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    let mut has_drafts = false;
    for id in batch(call, ids, MOST_ACTIVITIES)? {
        match call.bearer.account.activity(id) {
            Some(activity) if activity.sends.is_empty() => {
                has_drafts = true;
                errors.push(unknown("campaign_activity_id", id));
            }
            Some(activity) => {
                let engagement = Engagement::of(&activity);
                results.push(json!({
                    "campaign_id": activity.campaign_id,
                    "campaign_activity_id": id,
                    "last_refresh_time": now,
                    "stats": stats(call, engagement),
                }));
            }
            None => errors.push(unknown("campaign_activity_id", id)),
        }
    }
    if has_drafts && results.is_empty() {
        // Documented: what has no statistics is among the errors, and a batch of drafts fails as a whole.
        return Err(crate::errors::not_found(call.settings, FAMILY));
    }
    Ok(Reply::ok(&json!({"errors": errors, "results": results})))
}

pub(super) fn campaign_stats(call: &Call<'_>, ids: &str, now: Moment) -> Result<Reply, Reply> {
    let account = &call.bearer.account;
    let mut results = Vec::new();
    for id in batch(call, ids, MOST_CAMPAIGNS)? {
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

fn unknown(key: &str, id: Uuid) -> Value {
    json!({key: id, "error_key": "reports.api.not_found", "error_message": "The identifier is not known."})
}

fn engagement(account: &Account, campaign: &Campaign) -> Engagement {
    let activities = campaign
        .activities
        .iter()
        .filter_map(|(id, _)| account.activity(*id));
    activities
        .map(|activity| Engagement::of(&activity))
        .fold(Engagement::default(), Engagement::plus)
}

fn stats(call: &Call<'_>, of: Engagement) -> Value {
    let dot = match call.settings.stats_keys {
        StatsKeys::Dotted => '.',
        StatsKeys::Underscored => '_',
    };
    let mut stats = json!({
        "em_sends": of.sends, "em_opens": of.opens, "em_clicks": of.clicks, "em_bounces": of.bounces,
        "em_not_opened": of.not_opened, "em_optouts": of.optouts, "em_forwards": of.forwards, "em_abuse": of.abuse,
    });
    for (kind, all) in [("opens", of.opens), ("clicks", of.clicks)] {
        let all_of_kind = format!("em_{kind}{dot}all");
        let devices = [
            ("mobile", all / 2),
            ("computer", all - all / 2 - all / 10),
            ("tablet", all / 10),
            ("other", 0),
            ("none", 0),
        ];
        for (device, count) in devices {
            stats[format!("{all_of_kind}{dot}{device}")] = json!(count);
        }
        stats[all_of_kind] = json!(all);
    }
    let full = of.bounces / 3;
    let bounces = [
        ("nonexistent_address", of.bounces - full),
        ("mailbox_full", full),
        ("blocked", 0),
        ("other", 0),
        ("suspended", 0),
        ("undeliverable", 0),
        ("vacation", 0),
    ];
    for (kind, count) in bounces {
        stats[format!("em_bounces{dot}{kind}")] = json!(count);
    }
    stats
}

pub(super) fn campaign_summaries(call: &Call<'_>) -> Result<Reply, Reply> {
    let account = &call.bearer.account;
    let limit = call.query.limit(50, 500, FAMILY)?;
    let after = call.query.place(FAMILY)?;
    let mut found = account.campaigns(Order::LastSent, after, None, limit + 1);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found
        .last()
        .filter(|_| more)
        .map(|(place, _)| after_place(*place));
    let summaries: Vec<_> = found
        .iter()
        .map(|(place, campaign)| {
            json!({
                "campaign_id": campaign.id,
                "campaign_type": "Newsletter",
                "last_sent_date": place.at,
                "unique_counts": counts(call, engagement(account, campaign)),
            })
        })
        .collect();
    let mut page = Map::from_iter([(
        "bulk_email_campaign_summaries".to_owned(),
        Value::Array(summaries),
    )]);
    let path = "reports/summary_reports/email_campaign_summaries";
    link(
        &mut page,
        next.map(|after| call.query.next_href(path, limit, &after)),
        call.settings.last_page,
    );
    Ok(Reply::json(StatusCode::OK, &page))
}

fn counts(call: &Call<'_>, of: Engagement) -> Value {
    let counts = [
        ("sends", of.sends),
        ("opens", of.opens),
        ("clicks", of.clicks),
        ("forwards", of.forwards),
        ("optouts", of.optouts),
        ("abuse", of.abuse),
        ("bounces", of.bounces),
        ("not_opened", of.not_opened),
    ];
    let written = |count: i64| match call.settings.summary_counts {
        SummaryCounts::Numbers => json!(count),
        SummaryCounts::Strings => json!(count.to_string()),
    };
    Value::Object(
        counts
            .into_iter()
            .map(|(name, count)| (name.to_owned(), written(count)))
            .collect(),
    )
}
