//! Owns what listings share: the query, the cursor, the limit and the links. Must not know what is listed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use crate::clock::Moment;
use crate::config::settings::LastPage;
use crate::data::account::Place;
use crate::errors;
use crate::reply::Reply;

/// A query, decoded; of a repeated name the first counts.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(query: Option<&str>) -> Self {
        Self(
            form_urlencoded::parse(query.unwrap_or_default().as_bytes())
                .into_owned()
                .collect(),
        )
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn limit(&self, default: usize, most: usize, family: &str) -> Result<usize, Reply> {
        let Some(text) = self.get("limit") else {
            return Ok(default);
        };
        text.parse()
            .ok()
            .filter(|limit| (1..=most).contains(limit))
            .ok_or_else(|| {
                errors::bad_request(
                    family,
                    &format!("The limit must be a whole number from 1 to {most}."),
                )
            })
    }

    pub(super) fn moment(&self, name: &str, family: &str) -> Result<Option<Moment>, Reply> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let moment = Moment::parse(text).or_else(|| Moment::parse_without_offset(text));
        let moment = moment.ok_or_else(|| {
            errors::bad_request(family, &format!("{name} must be an ISO 8601 date and time."))
        })?;
        Ok(Some(moment))
    }

    /// The place a cursor says to continue after.
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

    /// The position a cursor says to continue at.
    pub(super) fn position(&self, family: &str) -> Result<usize, Reply> {
        let Some(cursor) = self.cursor(family)? else {
            return Ok(0);
        };
        cursor.parse().map_err(|_| invalid_cursor(family))
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

    /// The link to the next page: path-relative, with the version, the same query and a new cursor.
    pub(super) fn next_href(&self, path: &str, limit: usize, after: &str) -> String {
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

pub(super) fn after_place(place: Place) -> String {
    format!("{},{}", place.at.0, place.id)
}

fn invalid_cursor(family: &str) -> Reply {
    errors::bad_request(family, "The cursor is not valid.")
}

/// Adds `_links` to a page; what the last page says is a switch.
pub(super) fn link(page: &mut Map<String, Value>, next_href: Option<String>, last_page: LastPage) {
    let links = match (next_href, last_page) {
        (Some(href), _) => json!({"next": {"href": href}}),
        (None, LastPage::WithoutLinks) => return,
        (None, LastPage::WithoutNext) => json!({}),
        (None, LastPage::NullHref) => json!({"next": {"href": null}}),
    };
    page.insert("_links".to_owned(), links);
}

/// An identifier in the one form the API takes: hexadecimal digits in groups.
pub(super) fn parse_id(text: &str) -> Option<Uuid> {
    if text.len() == 36 {
        Uuid::try_parse(text).ok()
    } else {
        None
    }
}
