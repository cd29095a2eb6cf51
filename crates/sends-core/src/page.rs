//! Page of a listing.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::fields::{Fields, Member};
use crate::json_repair::repair_json;
use crate::lenient::Lenient;
use crate::{DecodeError, Decoded, FromJson, Oddities, json};

/// Page of a listing: its records in the upstream's order, and the link to the next page.
///
/// Unreadable records are omitted and counted. A list of records that is missing, null or not an array counts as one unreadable
/// record (observed in the summaries report), so that it differs from the empty list of an account without records.
///
/// A bare array with at least one readable record is the last page (inferred from the send history). A bare array without a
/// readable record is rejected because it may be a list of errors.
///
/// ```
/// use sends_core::{Campaign, FromJson, NextLink, Page};
///
/// let decoded = Page::<Campaign>::decode(br#"{
///   "campaigns": [{"campaign_id": "cafe1ead-0000-4000-8000-000000000001", "name": "Spring"}, {"name": "Summer"}],
///   "_links": {"next": {"href": "/v3/emails?limit=50&cursor=bGltaXQ9"}}
/// }"#)?;
/// let page = decoded.value;
/// assert_eq!((page.records.len(), page.unreadable), (1, 1));
/// assert_eq!(decoded.oddities.to_string(), "record 2 of the page is not a campaign, field campaign_id: missing or null");
/// assert_eq!(page.next, NextLink::To("/v3/emails?limit=50&cursor=bGltaXQ9".into()));
/// # Ok::<(), sends_core::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The readable records.
    pub records: Vec<T>,
    /// Number of unreadable values of each record, in the order of the records.
    pub unreadable_values: Vec<usize>,
    /// Number of unreadable records, or 1 when the list of records is missing, null or not an array. Normally 0.
    pub unreadable: usize,
    /// Whether the list of records is missing, null or not an array.
    pub lacks_list: bool,
    /// Link to the next page.
    pub next: NextLink,
}

/// Link to the next page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextLink {
    /// No next page: the link is missing, null, empty or the string `null`.
    None,
    /// Link as returned by the upstream: a path that includes the API version (documented).
    To(String),
    /// Link that could not be decoded.
    Unreadable,
}

/// Record type of a listing.
pub trait Listed: FromJson {
    /// Name of the page's member that contains the list of records.
    const MEMBER: &'static str;
}

impl<T: Listed> FromJson for Page<T> {
    fn decode(json: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        let json = repair_json(json);
        let mut oddities = Oddities::default();
        let is_bare = json.trim_start().starts_with('[');
        let (elements, next) = if is_bare {
            (Some(json::array(&json, WHAT, &mut oddities)?), NextLink::None)
        } else {
            let fields = json::object(&json, WHAT, &mut oddities)?;
            let elements = elements::<T>(&fields, &mut oddities);
            (elements, next_link(&fields, &mut oddities))
        };
        let lacks_list = elements.is_none();
        let (mut records, mut unreadable_values) = (Vec::new(), Vec::new());
        for (record, number) in elements.unwrap_or_default().into_iter().zip(1_usize..) {
            match T::decode(record.as_bytes()) {
                Ok(decoded) => {
                    unreadable_values.push(decoded.oddities.values);
                    oddities.add(decoded.oddities, || format!("record {number} of the page"));
                    records.push(decoded.value);
                }
                Err(error) => oddities.record(|| format!("record {number} of the page is {error}")),
            }
        }
        if is_bare && records.is_empty() {
            let reason = "an array without a readable record";
            return Err(DecodeError::new(WHAT, "", reason));
        }
        let unreadable = oddities.records;
        let value = Self {
            records,
            unreadable_values,
            unreadable,
            lacks_list,
            next,
        };
        Ok(Decoded { value, oddities })
    }
}

const WHAT: &str = "a page";

fn elements<'a, T: Listed>(fields: &Fields<'a>, oddities: &mut Oddities) -> Option<Vec<&'a str>> {
    let name = T::MEMBER;
    let elements = match fields.member(name) {
        Member::Json(json) => crate::fields::elements(json),
        Member::Absent | Member::Repeated => None,
    };
    if elements.is_none() {
        oddities.record(|| format!("field {name}: missing or not an array"));
    }
    elements
}

/// Decodes the link of a page. On the last page, the member is missing, null, an empty string or an empty object (observed in
/// clients), or an empty array or the string `null` (inferred). The member `next` may be the link itself instead of an object
/// with `href` (inferred).
fn next_link(page: &Fields<'_>, oddities: &mut Oddities) -> NextLink {
    let link = inner(page.member("_links"), "next")
        .and_then(|next| match next {
            Some(Member::Json(json)) if json.starts_with('"') => Ok(next),
            next => next.map_or(Ok(None), |next| inner(next, "href")),
        })
        .and_then(|href| match href {
            Some(Member::Json(json)) if !is_empty(json) => String::read(json).map(Some).ok_or(()),
            Some(Member::Repeated) => Err(()),
            _ => Ok(None),
        });
    match link {
        Ok(None) => NextLink::None,
        Ok(Some(link)) => NextLink::To(link),
        Err(()) => {
            oddities.value(|| "field _links: unreadable link to the next page".into());
            NextLink::Unreadable
        }
    }
}

/// Looks up a member of a nested object. Returns `None` when that object is missing or empty.
fn inner<'a>(outer: Member<'a>, name: &str) -> Result<Option<Member<'a>>, ()> {
    match outer {
        Member::Absent => Ok(None),
        Member::Json(json) if is_empty(json) => Ok(None),
        Member::Json(json) => Ok(Some(Fields::of(json, "links").ok_or(())?.member(name))),
        Member::Repeated => Err(()),
    }
}

fn is_empty(json: &str) -> bool {
    let inside = |open, close| Some(json.strip_prefix(open)?.strip_suffix(close)?.trim());
    let is_blank = [('"', '"'), ('[', ']'), ('{', '}')]
        .into_iter()
        .any(|(open, close)| inside(open, close) == Some(""));
    is_blank || inside('"', '"').is_some_and(|text| text.eq_ignore_ascii_case("null"))
}
