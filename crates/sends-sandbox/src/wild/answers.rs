//! Variations of each endpoint's records.

use serde_json::Value;

use super::forms::{Forms, Object};
use crate::api::Endpoint;

pub(super) fn rewrite(forms: &mut Forms, endpoint: Endpoint, body: &mut Value) {
    match (endpoint, body) {
        (Endpoint::SendHistory, Value::Array(rows)) => each(forms, rows, send),
        (Endpoint::Schedules, Value::Array(rows)) => each(forms, rows, |forms, schedule| {
            forms.date(schedule, "scheduled_date");
        }),
        (Endpoint::Privileges, Value::Array(rows)) => each(forms, rows, |forms, privilege| {
            forms.omit(privilege, &["privilege_id"]);
        }),
        (Endpoint::Emails, Value::Object(page)) => listing(forms, page, "campaigns", campaign),
        (Endpoint::Campaign, Value::Object(body)) => {
            campaign(forms, body);
            if let Some(Value::Array(activities)) = body.get_mut("campaign_activities") {
                forms.shuffle(activities);
                each(forms, activities, |forms, activity| forms.case(activity, "role"));
            }
        }
        (Endpoint::Activity, Value::Object(body)) => activity(forms, body),
        (Endpoint::ActivityStats | Endpoint::CampaignStats, Value::Object(body)) => statistics(forms, body),
        (Endpoint::CampaignSummaries, Value::Object(page)) => {
            listing(forms, page, "bulk_email_campaign_summaries", summary);
        }
        (Endpoint::ContactLists, Value::Object(page)) => listing(forms, page, "lists", contact_list),
        (Endpoint::ContactList, Value::Object(body)) => contact_list(forms, body),
        (Endpoint::Segments, Value::Object(page)) => listing(forms, page, "segments", segment),
        (Endpoint::Segment, Value::Object(body)) => segment(forms, body),
        (Endpoint::AccountSummary, Value::Object(body)) => account(forms, body),
        _ => {}
    }
}

fn each(forms: &mut Forms, rows: &mut [Value], rewrite: impl Fn(&mut Forms, &mut Object)) {
    for row in rows {
        if let Value::Object(row) = row {
            rewrite(forms, row);
        }
    }
}

fn listing(forms: &mut Forms, page: &mut Object, rows: &str, rewrite: fn(&mut Forms, &mut Object)) {
    if let Some(Value::Array(rows)) = page.get_mut(rows) {
        each(forms, rows, rewrite);
    }
    let is_last = page
        .get("_links")
        .and_then(|links| links.pointer("/next/href"))
        .is_none_or(Value::is_null);
    if is_last {
        forms.last_page(page);
    }
}

/// Varies a send, but keeps status and reason, which determine the outcome.
fn send(forms: &mut Forms, send: &mut Object) {
    forms.date(send, "run_date");
    // A count of 0 identifies an empty audience.
    if send.get("count").is_some_and(|count| *count != 0) {
        forms.omit(send, &["count"]);
    }
    forms.empty_array(send, "segment_ids");
    if !send.contains_key("contact_lists_ids") {
        forms.empty_array(send, "contact_list_ids");
        if forms.one_in(3)
            && let Some(lists) = send.remove("contact_list_ids")
        {
            send.insert("contact_lists_ids".to_owned(), lists);
        }
    }
}

fn campaign(forms: &mut Forms, campaign: &mut Object) {
    forms.prose(campaign, "name");
    forms.case(campaign, "current_status");
    forms.date(campaign, "created_at");
    forms.date(campaign, "updated_at");
    forms.omit(
        campaign,
        &["name", "current_status", "type", "type_code", "created_at"],
    );
}

fn activity(forms: &mut Forms, activity: &mut Object) {
    for name in ["subject", "from_name", "preheader"] {
        forms.prose(activity, name);
    }
    forms.case(activity, "role");
    forms.case(activity, "current_status");
    forms.empty_array(activity, "segment_ids");
    forms.empty_array(activity, "contact_list_ids");
    forms.omit(
        activity,
        &[
            "campaign_activity_id",
            "campaign_id",
            "current_status",
            "format_type",
            "from_email",
            "from_name",
            "preheader",
            "reply_to_email",
            "role",
            "subject",
        ],
    );
}

fn statistics(forms: &mut Forms, body: &mut Object) {
    forms.empty_array(body, "errors");
    let Some(Value::Array(results)) = body.get_mut("results") else {
        return;
    };
    forms.shuffle(results);
    each(forms, results, |forms, result| {
        forms.date(result, "last_refresh_time");
        forms.omit(result, &["last_refresh_time"]);
        if result.contains_key("campaign_activity_id") {
            forms.omit(result, &["campaign_id"]);
        }
        if let Some(Value::Object(stats)) = result.get_mut("stats") {
            omit_any(forms, stats);
        }
    });
}

fn summary(forms: &mut Forms, summary: &mut Object) {
    forms.date(summary, "last_sent_date");
    if let Some(Value::Object(counts)) = summary.get_mut("unique_counts") {
        for name in names(counts) {
            forms.count(counts, &name);
        }
        omit_any(forms, counts);
    }
    forms.omit(summary, &["campaign_type", "unique_counts"]);
    if forms.one_in(30) {
        // The upstream returned a summary with only the identifier (observed).
        summary.retain(|name, _| name == "campaign_id");
    }
}

fn contact_list(forms: &mut Forms, list: &mut Object) {
    forms.prose(list, "name");
    forms.prose(list, "description");
    for name in ["created_at", "updated_at", "deleted_at"] {
        forms.date(list, name);
    }
    if list.get("deleted_at").is_none() {
        forms.omit(list, &["deleted_at"]);
    }
    forms.omit(
        list,
        &[
            "created_at",
            "description",
            "favorite",
            "membership_count",
            "name",
            "updated_at",
        ],
    );
}

fn segment(forms: &mut Forms, segment: &mut Object) {
    forms.prose(segment, "name");
    forms.date(segment, "created_at");
    forms.date(segment, "edited_at");
    forms.omit(segment, &["created_at", "edited_at", "name"]);
}

fn account(forms: &mut Forms, account: &mut Object) {
    forms.prose(account, "organization_name");
    omit_any(forms, account);
}

fn omit_any(forms: &mut Forms, object: &mut Object) {
    for name in names(object) {
        forms.omit(object, &[&name]);
    }
}

fn names(object: &Object) -> Vec<String> {
    object.keys().cloned().collect()
}
