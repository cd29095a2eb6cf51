//! Send histories, campaigns, activities and schedules.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::Call;
use super::paging::{campaign_page, parse_id};
use crate::clock::Moment;
use crate::config::settings::UnsendableHistory;
use crate::data::account::{Order, Place};
use crate::data::campaigns::{Activity, Campaign};
use crate::data::send::Send;
use crate::errors;
use crate::reply::Reply;

const FAMILY: &str = "emails";

fn find_activity(call: &Call<'_>, id: &str) -> Result<Arc<Activity>, Reply> {
    let id = parse_id(id).ok_or_else(|| errors::malformed_id(call.settings, FAMILY))?;
    call.bearer
        .account
        .activity(id)
        .ok_or_else(|| errors::not_found(call.settings, FAMILY))
}

pub(super) fn send_history(call: &Call<'_>, id: &str, now: Moment) -> Result<Reply, Reply> {
    let activity = find_activity(call, id)?;
    if !activity.is_sendable() {
        match call.settings.unsendable_history {
            UnsendableHistory::Empty => return Ok(Reply::text(StatusCode::OK, crate::reply::JSON, "[]")),
            UnsendableHistory::NotFound => return Err(errors::not_found(call.settings, FAMILY)),
            UnsendableHistory::BadRequest => {
                return Err(errors::bad_request(FAMILY, "The activity cannot be sent."));
            }
        }
    }
    let executing = (call.settings.executing_row && activity.status == "EXECUTING").then(|| {
        Send::new(activity.next_send_id(), &activity.list_ids, &[], 0, now, 0).with_status("EXECUTING")
    });
    let sends = activity.sends.iter().chain(&executing);
    let rows: Vec<_> = sends.map(|send| send.rendered(call.settings)).collect();
    Ok(Reply::ok(&rows))
}

pub(super) fn list(call: &Call<'_>) -> Result<Reply, Reply> {
    let until = call.query.moment("after_date", FAMILY)?;
    let before = call.query.moment("before_date", FAMILY)?;
    // The listing is newest first, so `before_date` is equivalent to a cursor at that date.
    let before = before.map(|at| Place {
        at,
        id: uuid::Uuid::nil(),
    });
    let after = match (call.query.place(FAMILY)?, before) {
        (Some(cursor), Some(before)) => Some(cursor.min(before)),
        (cursor, before) => cursor.or(before),
    };
    let range = (Order::Updated, after, until);
    campaign_page(call, FAMILY, "emails", "campaigns", range, |_, campaign| {
        summary(campaign)
    })
}

fn summary(campaign: &Campaign) -> Value {
    let mut fields = json!(campaign);
    fields["type"] = json!("NEWSLETTER");
    fields["type_code"] = json!(10);
    fields
}

pub(super) fn campaign(call: &Call<'_>, id: &str) -> Result<Reply, Reply> {
    let id = parse_id(id).ok_or_else(|| errors::malformed_id(call.settings, FAMILY))?;
    let campaign = call
        .bearer
        .account
        .campaign(id)
        .filter(|campaign| !campaign.detail_is_gone)
        .ok_or_else(|| errors::not_found(call.settings, FAMILY))?;
    let mut fields = summary(&campaign);
    fields["campaign_activities"] = json!(campaign.activities);
    Ok(Reply::ok(&fields))
}

pub(super) fn activity(call: &Call<'_>, id: &str) -> Result<Reply, Reply> {
    let activity = find_activity(call, id)?;
    if activity.status == "REMOVED" {
        return Err(errors::not_found(call.settings, FAMILY));
    }
    Ok(Reply::ok(&json!({
        "campaign_activity_id": activity.id,
        "campaign_id": activity.campaign_id,
        "role": activity.role,
        "contact_list_ids": activity.list_ids,
        "segment_ids": activity.segment_ids,
        "current_status": activity.status,
        "format_type": 5,
        "from_email": activity.from_email,
        "from_name": crate::data::campaigns::FROM_NAME,
        "reply_to_email": activity.from_email,
        "subject": activity.subject,
        "preheader": "",
    })))
}

pub(super) fn schedules(call: &Call<'_>, id: &str) -> Result<Reply, Reply> {
    let activity = find_activity(call, id)?;
    let date = activity.scheduled_at.filter(|_| activity.status == "SCHEDULED");
    let schedules: Vec<_> = date.iter().map(|at| json!({"scheduled_date": at})).collect();
    Ok(Reply::ok(&schedules))
}
