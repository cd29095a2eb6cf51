//! Owns the endpoints under `/emails`: send history, campaigns, activities and schedules. Must not know where the data
//! comes from.

use std::sync::Arc;

use http::StatusCode;
use serde::ser::{Serialize, SerializeSeq, Serializer};
use serde_json::{Map, Value, json};

use super::Call;
use super::paging::{after_place, link, parse_id};
use crate::clock::Moment;
use crate::config::settings::{Settings, UnsendableHistory};
use crate::data::account::Order;
use crate::data::campaigns::{Activity, Campaign};
use crate::data::send::{Field, Rendered, Row, RunDate, Send, Status};
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

/// A history as it is written: the rows, and one of the send under way when there is one to show.
struct History<'a> {
    sends: &'a [Send],
    executing: Option<Send>,
    settings: &'a Settings,
}

impl Serialize for History<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(None)?;
        for send in self.sends.iter().chain(&self.executing) {
            rows.serialize_element(&Rendered {
                send,
                settings: self.settings,
            })?;
        }
        rows.end()
    }
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
        let send_id = activity.sends.iter().filter_map(Send::send_id).max().unwrap_or(0) + 1;
        let row = Row::to_lists(send_id, activity.list_ids.clone(), 0, RunDate::At(now), 0);
        Send::Row(Row {
            send_status: Field::Is(Status::Written("EXECUTING")),
            ..row
        })
    });
    Ok(Reply::ok(&History {
        sends: &activity.sends,
        executing,
        settings: call.settings,
    }))
}

pub(super) fn list(call: &Call<'_>) -> Result<Reply, Reply> {
    let limit = call.query.limit(50, 500, FAMILY)?;
    let until = call.query.moment("after_date", FAMILY)?;
    let before = call.query.moment("before_date", FAMILY)?;
    // Being before a date is being after its place in a listing that falls.
    let before = before.map(|at| crate::data::account::Place {
        at,
        id: uuid::Uuid::nil(),
    });
    let after = match (call.query.place(FAMILY)?, before) {
        (Some(cursor), Some(before)) => Some(cursor.min(before)),
        (cursor, before) => cursor.or(before),
    };
    let mut found = call
        .bearer
        .account
        .campaigns(Order::Updated, after, until, limit + 1);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found
        .last()
        .filter(|_| more)
        .map(|(place, _)| after_place(*place));
    let campaigns: Vec<_> = found
        .iter()
        .map(|(_, campaign)| Value::Object(head(campaign)))
        .collect();
    let mut page = Map::from_iter([("campaigns".to_owned(), Value::Array(campaigns))]);
    let href = next.map(|after| call.query.next_href("emails", limit, &after));
    link(&mut page, href, call.settings.last_page);
    Ok(Reply::ok(&page))
}

fn head(campaign: &Campaign) -> Map<String, Value> {
    let fields = json!({
        "campaign_id": campaign.id,
        "created_at": campaign.created_at,
        "updated_at": campaign.updated_at,
        "current_status": campaign.status,
        "name": campaign.name,
        "type": campaign.kind,
        "type_code": 10,
    });
    if let Value::Object(fields) = fields {
        fields
    } else {
        Map::new()
    }
}

pub(super) fn campaign(call: &Call<'_>, id: &str) -> Result<Reply, Reply> {
    let id = parse_id(id).ok_or_else(|| errors::malformed_id(call.settings, FAMILY))?;
    let campaign = call
        .bearer
        .account
        .campaign(id)
        .filter(|campaign| !campaign.detail_is_gone);
    let campaign = campaign.ok_or_else(|| errors::not_found(call.settings, FAMILY))?;
    let mut fields = head(&campaign);
    let activities: Vec<_> = campaign
        .activities
        .iter()
        .map(|(id, role)| json!({"campaign_activity_id": id, "role": role}))
        .collect();
    fields.insert("campaign_activities".to_owned(), Value::Array(activities));
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
        "from_name": activity.from_name,
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
