//! Contact lists and segments.

use serde_json::{Value, json};

use super::Call;
use super::paging::{page, parse_id};
use crate::data::lists::{ContactList, Segment};
use crate::errors;
use crate::reply::Reply;

const FAMILY: &str = "contacts";

/// Maximum page size: 500 in the documentation's prose, 1,000 in its schema.
const MAX_LISTS: usize = 1000;

pub(super) fn contact_lists(call: &Call<'_>) -> Result<Reply, Reply> {
    let limit = call.query.limit(50, MAX_LISTS, FAMILY)?;
    let status = call.query.get("status").unwrap_or("active");
    let (mut active, mut deleted) = (false, false);
    for status in status.split(',') {
        match status {
            "active" => active = true,
            "deleted" => deleted = true,
            "all" => (active, deleted) = (true, true),
            _ => {
                let message =
                    "status must be all, active or deleted, or several of them separated by commas.";
                return Err(errors::bad_request(FAMILY, message));
            }
        }
    }
    let with_members = with_members(call)?;
    let mut lists = call.bearer.account.lists();
    lists.retain(|list| match list.deleted_at {
        Some(_) => deleted,
        None => active,
    });
    if let Some(name) = call.query.get("name") {
        lists.retain(|list| list.name == name);
    }
    sort(
        call,
        &mut lists,
        |list| &list.name,
        |list| list.created_at.clone(),
    )?;
    let mut page = page(call, (FAMILY, "contact_lists", "lists"), limit, &lists, |list| {
        list_fields(list, with_members)
    })?;
    if call.query.get("include_count") == Some("true") {
        page.insert("lists_count".to_owned(), json!(lists.len()));
    }
    Ok(Reply::ok(&page))
}

pub(super) fn contact_list(call: &Call<'_>, id: &str) -> Result<Reply, Reply> {
    let id = parse_id(id).ok_or_else(|| errors::malformed_id(call.settings, FAMILY))?;
    let with_members = with_members(call)?;
    let lists = call.bearer.account.lists();
    let found = lists.iter().find(|list| list.id == id);
    found
        .map(|list| Reply::ok(&list_fields(list, with_members)))
        .ok_or_else(|| errors::not_found(call.settings, FAMILY))
}

fn with_members(call: &Call<'_>) -> Result<bool, Reply> {
    match call.query.get("include_membership_count") {
        None => Ok(false),
        Some("all" | "active") => Ok(true),
        Some(_) => {
            let message = "include_membership_count must be all or active.";
            Err(errors::bad_request(FAMILY, message))
        }
    }
}

/// Sorts by `sort_by`: names ascending, dates descending.
fn sort<T, D: Ord>(
    call: &Call<'_>,
    rows: &mut [T],
    name: impl Fn(&T) -> &str,
    date: impl Fn(&T) -> D,
) -> Result<(), Reply> {
    match call.query.get("sort_by") {
        None => {}
        Some("name") => rows.sort_by(|left, right| name(left).cmp(name(right))),
        Some("date") => rows.sort_by_key(|row| std::cmp::Reverse(date(row))),
        Some(_) => return Err(errors::bad_request(FAMILY, "sort_by must be name or date.")),
    }
    Ok(())
}

fn list_fields(list: &ContactList, with_members: bool) -> Value {
    let mut fields = json!(list);
    if let (Some(fields), false) = (fields.as_object_mut(), with_members) {
        fields.remove("membership_count");
    }
    if let Some(created_at) = &list.created_at {
        fields["updated_at"] = json!(created_at);
    }
    fields
}

pub(super) fn segments(call: &Call<'_>) -> Result<Reply, Reply> {
    let limit = call.query.limit(1000, 1000, FAMILY)?;
    let mut segments = call.bearer.account.segments();
    segments.retain(|segment| !segment.deleted);
    sort(call, &mut segments, |segment| &segment.name, Segment::created_at)?;
    let names = (FAMILY, "segments", "segments");
    Ok(Reply::ok(&page(call, names, limit, &segments, segment_fields)?))
}

/// Returns a segment. Deleted segments are found as well, although they are not listed.
pub(super) fn segment(call: &Call<'_>, id: &str) -> Result<Reply, Reply> {
    let id: i64 = id
        .parse()
        .map_err(|_| errors::bad_request(FAMILY, "The segment id is not a number."))?;
    let segments = call.bearer.account.segments();
    let found = segments.iter().find(|segment| segment.id == id);
    found
        .map(|segment| Reply::ok(&segment_fields(segment)))
        .ok_or_else(|| errors::not_found(call.settings, FAMILY))
}

fn segment_fields(segment: &Segment) -> Value {
    let at = segment.created_at();
    json!({"segment_id": segment.id, "name": segment.name, "created_at": at, "edited_at": at})
}
