//! Owns the endpoints that name audiences: contact lists and segments. Must not know where the data comes from.

use serde_json::{Map, Value, json};

use super::Call;
use super::paging::{link, parse_id};
use crate::data::lists::{ContactList, Segment, segment_created_at};
use crate::errors;
use crate::reply::Reply;

const FAMILY: &str = "contacts";

/// The documentation's prose has 500 and its schema 1,000.
const MOST_LISTS: usize = 1000;

pub(super) fn contact_lists(call: &Call<'_>) -> Result<Reply, Reply> {
    let limit = call.query.limit(50, MOST_LISTS, FAMILY)?;
    let position = call.query.position(FAMILY)?;
    let status = call.query.get("status").unwrap_or("active");
    let (mut active, mut deleted) = (false, false);
    for status in status.split(',') {
        match status {
            "active" => active = true,
            "deleted" => deleted = true,
            "all" => (active, deleted) = (true, true),
            _ => {
                let message =
                    "status must be all, active or deleted, or several of them with commas between.";
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
    sort(call, &mut lists, |list| &list.name, |list| list.created_at)?;
    let (shown, next) = page(&lists, position, limit);
    let shown: Vec<_> = shown.iter().map(|list| list_fields(list, with_members)).collect();
    let mut page = Map::from_iter([("lists".to_owned(), Value::Array(shown))]);
    if call.query.get("include_count") == Some("true") {
        page.insert("lists_count".to_owned(), json!(lists.len()));
    }
    let href = next.map(|next| call.query.next_href("contact_lists", limit, &next.to_string()));
    link(&mut page, href, call.settings.last_page);
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

/// By name, rising, or by date, newest first, as `sort_by` says; otherwise the order stays.
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
    let mut fields = json!({"list_id": list.id, "name": list.name, "favorite": list.favorite});
    let optional = [
        ("description", list.description),
        ("created_at", list.created_at),
        ("updated_at", list.created_at),
        ("deleted_at", list.deleted_at),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            fields[name] = json!(value);
        }
    }
    if with_members {
        fields["membership_count"] = json!(list.members);
    }
    fields
}

pub(super) fn segments(call: &Call<'_>) -> Result<Reply, Reply> {
    let limit = call.query.limit(1000, 1000, FAMILY)?;
    let position = call.query.position(FAMILY)?;
    let mut segments = call.bearer.account.segments();
    segments.retain(|segment| !segment.deleted);
    sort(
        call,
        &mut segments,
        |segment| &segment.name,
        |segment| segment_created_at(segment.id),
    )?;
    let (shown, next) = page(&segments, position, limit);
    let shown: Vec<_> = shown.iter().map(segment_fields).collect();
    let mut page = Map::from_iter([("segments".to_owned(), Value::Array(shown))]);
    let href = next.map(|next| call.query.next_href("segments", limit, &next.to_string()));
    link(&mut page, href, call.settings.last_page);
    Ok(Reply::ok(&page))
}

/// Deleted segments are left out of the listing, and yet found here.
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
    let at = segment_created_at(segment.id);
    json!({"segment_id": segment.id, "name": segment.name, "created_at": at, "edited_at": at})
}

fn page<T>(all: &[T], position: usize, limit: usize) -> (&[T], Option<usize>) {
    let start = position.min(all.len());
    let end = start.saturating_add(limit).min(all.len());
    (&all[start..end], (end < all.len()).then_some(end))
}
