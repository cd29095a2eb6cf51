//! One page of a listing.
//!
//! Owns the envelope around the records, and that a malformed record costs its neighbours nothing. Must not follow the
//! link to the next page, nor judge where it leads: it is a text here.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::decode::describe_json_error;
use crate::{DecodeError, FromJson, json};

/// One page of a listing: its records in the upstream's order, and the way to the next page.
///
/// A record that is malformed is left out and named in [`unreadable`](Self::unreadable), since one bad campaign must not
/// hide the 499 beside it. A history is stricter: what is left out of it would be missed by nobody.
///
/// ```
/// use sends_core::{Campaign, FromJson, Page};
///
/// let page = Page::<Campaign>::from_json(br#"{
///   "campaigns": [{"campaign_id": "cafe1ead-0000-4000-8000-000000000001", "name": "Spring"}, {"name": "Nobody's"}],
///   "_links": {"next": {"href": "/v3/emails?limit=50&cursor=bGltaXQ9"}}
/// }"#)?;
/// assert_eq!(page.records.len(), 1);
/// assert_eq!(page.unreadable, ["record 2 of the page is not a campaign: missing field `campaign_id` at line 1 column 20"]);
/// assert_eq!(page.next.as_deref(), Some("/v3/emails?limit=50&cursor=bGltaXQ9"));
/// # Ok::<(), sends_core::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The records that could be read.
    pub records: Vec<T>,
    /// What is wrong with each of the others, in words for the operator. Empty as a rule.
    pub unreadable: Vec<String>,
    /// The link to the next page as the upstream wrote it, documented to be a path with the API's version. `None` on the
    /// last page.
    pub next: Option<String>,
}

/// A record that the upstream lists.
pub trait Listed: FromJson {
    /// The member of a page that holds the records.
    const MEMBER: &'static str;
}

impl<T: Listed> FromJson for Page<T> {
    fn from_json(json: &[u8]) -> Result<Self, DecodeError> {
        let members: BTreeMap<String, &RawValue> = json::object(json, WHAT)?;
        // A page that is no page must not look like an account that has nothing.
        let records = members
            .get(T::MEMBER)
            .ok_or_else(|| DecodeError::new(WHAT, T::MEMBER, "it is missing"))?;
        let records: Option<Vec<&RawValue>> = member(records, T::MEMBER)?;
        let links: Option<Links> = match members.get(LINKS) {
            Some(links) => member(links, LINKS)?,
            None => None,
        };
        let mut page = Self {
            records: Vec::new(),
            unreadable: Vec::new(),
            next: links.and_then(|links| links.next).and_then(|next| next.href),
        };
        for (record, number) in records.unwrap_or_default().into_iter().zip(1..) {
            match T::from_json(record.get().as_bytes()) {
                Ok(record) => page.records.push(record),
                Err(error) => page.unreadable.push(describe(number, &error)),
            }
        }
        Ok(page)
    }
}

fn describe(number: u32, error: &DecodeError) -> String {
    format!("record {number} of the page is {error}")
}

fn member<'a, T: Deserialize<'a>>(value: &'a RawValue, name: &str) -> Result<T, DecodeError> {
    serde_json::from_str(value.get())
        .map_err(|error| DecodeError::new(WHAT, name, &describe_json_error(&error)))
}

const WHAT: &str = "a page";
const LINKS: &str = "_links";

#[derive(Deserialize)]
struct Links {
    next: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: Option<String>,
}
