//! Owns the endpoints that name audiences: contact lists and segments. Must not know where the data comes from.

use serde_json::{Map, Value, json};

use super::Call;
use super::paging::link;
use crate::data::lists::{ContactList, Segment, segment_created_at};
use crate::errors;
use crate::reply::Reply;

const FAMILY: &str = "contacts";

pub(super) fn contact_lists(call: &Call<'_>) -> Result<Reply, Reply> {
    let limit = call.query.limit(50, 500, FAMILY)?;
    let position = call.query.position(FAMILY)?;
    let deleted = match call.query.get("status") {
        None | Some("active") => Some(false),
        Some("deleted") => Some(true),
        Some("all") => None,
        Some(_) => {
            return Err(errors::bad_request(
                FAMILY,
                "status must be all, active or deleted.",
            ));
        }
    };
    let with_members = match call.query.get("include_membership_count") {
        None => false,
        Some("all" | "active") => true,
        Some(_) => {
            return Err(errors::bad_request(
                FAMILY,
                "include_membership_count must be all or active.",
            ));
        }
    };
    let mut lists = call.bearer.account.lists();
    lists.retain(|list| deleted.is_none_or(|deleted| list.deleted_at.is_some() == deleted));
    let (shown, next) = page(&lists, position, limit);
    let shown: Vec<_> = shown
        .iter()
        .map(|list| contact_list(list, with_members))
        .collect();
    let mut page = Map::from_iter([("lists".to_owned(), Value::Array(shown))]);
    let href = next.map(|next| call.query.next_href("contact_lists", limit, &next.to_string()));
    link(&mut page, href, call.settings.last_page);
    Ok(Reply::ok(&page))
}

fn contact_list(list: &ContactList, with_members: bool) -> Value {
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
