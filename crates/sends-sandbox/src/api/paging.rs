//! Limit, cursor and links of listings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::Call;
use crate::clock::Moment;
use crate::config::settings::LastPage;
use crate::data::account::{Order, Place};
use crate::data::campaigns::Campaign;
use crate::errors;
use crate::query::Query;
use crate::reply::Reply;

impl Query {
    pub(super) fn limit(&self, default: usize, most: usize, family: &str) -> Result<usize, Reply> {
        let Some(text) = self.get("limit") else {
            return Ok(default);
        };
        let limit = text.parse().ok().filter(|limit| (1..=most).contains(limit));
        let message = format!("The limit must be a whole number from 1 to {most}.");
        limit.ok_or_else(|| errors::bad_request(family, &message))
    }

    pub(super) fn moment(&self, name: &str, family: &str) -> Result<Option<Moment>, Reply> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let moment = Moment::parse(text).or_else(|| Moment::parse_without_offset(text));
        let message = format!("{name} must be an ISO 8601 date and time.");
        moment
            .map(Some)
            .ok_or_else(|| errors::bad_request(family, &message))
    }

    pub(super) fn place(&self, family: &str) -> Result<Option<Place>, Reply> {
        let Some(cursor) = self.cursor(family)? else {
            return Ok(None);
        };
        let place = cursor.split_once(',').and_then(|(at, id)| {
            Some(Place {
                at: Moment(at.parse().ok()?),
                id: Uuid::try_parse(id).ok()?,
            })
        });
        place.map(Some).ok_or_else(|| invalid_cursor(family))
    }

    fn cursor(&self, family: &str) -> Result<Option<String>, Reply> {
        let Some(cursor) = self.get("cursor") else {
            return Ok(None);
        };
        let decoded = STANDARD_NO_PAD
            .decode(cursor)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let after = decoded.and_then(|text| text.strip_prefix("after=").map(str::to_owned));
        after.map(Some).ok_or_else(|| invalid_cursor(family))
    }

    fn next_href(&self, path: &str, limit: usize, after: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &limit.to_string());
        for (name, value) in self
            .0
            .iter()
            .filter(|(name, _)| name != "limit" && name != "cursor")
        {
            query.append_pair(name, value);
        }
        query.append_pair("cursor", &STANDARD_NO_PAD.encode(format!("after={after}")));
        format!("/v3/{path}?{}", query.finish())
    }
}

/// Returns a page of rows that are all in memory. Its cursors are row indexes.
pub(super) fn page<T>(
    call: &Call<'_>,
    (family, path, member): (&str, &str, &str),
    limit: usize,
    all: &[T],
    fields: impl Fn(&T) -> Value,
) -> Result<Map<String, Value>, Reply> {
    let position = match call.query.cursor(family)? {
        Some(cursor) => cursor.parse().map_err(|_| invalid_cursor(family))?,
        None => 0,
    };
    let start = all.len().min(position);
    let end = start.saturating_add(limit).min(all.len());
    let next = (end < all.len()).then(|| call.query.next_href(path, limit, &end.to_string()));
    let rows = all[start..end].iter().map(fields).collect();
    Ok(linked(member, rows, next, call.settings.last_page))
}

/// Returns a page of campaigns. Its cursors encode a [`Place`].
pub(super) fn campaign_page(
    call: &Call<'_>,
    family: &str,
    path: &str,
    member: &str,
    (order, after, until): (Order, Option<Place>, Option<Moment>),
    fields: impl Fn(Place, &Campaign) -> Value,
) -> Result<Reply, Reply> {
    let limit = call.query.limit(50, 500, family)?;
    let mut found = call.bearer.account.campaigns(order, after, until, limit + 1);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|(place, _)| {
        let after = format!("{},{}", place.at.0, place.id);
        call.query.next_href(path, limit, &after)
    });
    let rows = found
        .iter()
        .map(|(place, campaign)| fields(*place, campaign))
        .collect();
    Ok(Reply::ok(&linked(member, rows, next, call.settings.last_page)))
}

fn invalid_cursor(family: &str) -> Reply {
    errors::bad_request(family, "The cursor is not valid.")
}

fn linked(
    member: &str,
    rows: Vec<Value>,
    next_href: Option<String>,
    last_page: LastPage,
) -> Map<String, Value> {
    let mut page = Map::from_iter([(member.to_owned(), Value::Array(rows))]);
    let links = match (next_href, last_page) {
        (Some(href), _) => Some(json!({"next": {"href": href}})),
        (None, LastPage::WithoutLinks) => None,
        (None, LastPage::WithoutNext) => Some(json!({})),
        (None, LastPage::NullHref) => Some(json!({"next": {"href": null}})),
    };
    if let Some(links) = links {
        page.insert("_links".to_owned(), links);
    }
    page
}

/// Parses an identifier in the only format that the API accepts: hexadecimal digits with hyphens.
pub(super) fn parse_id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}
