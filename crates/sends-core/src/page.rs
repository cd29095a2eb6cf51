//! One page of a listing: its records and the link to the next page, which is a text here and not followed.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::fields::{Fields, Member};
use crate::json_repair::repair_json;
use crate::lenient::Lenient;
use crate::{DecodeError, Decoded, FromJson, Oddities, json};

/// One page of a listing: its records in the upstream's order, and the way to the next page.
///
/// A record that is malformed is left out and counted, since one bad campaign must not hide the 499 beside it. A list of
/// records that is missing, null or not an array counts as one unreadable record (observed of the summaries report): such a
/// page must not look like the one of an account that has no records, which is an empty array.
///
/// A bare array of records is read as the last page, if at least one of them can be read: by this project's reading, since the
/// send history is one. Without any it may as well be a list of errors, and is refused.
///
/// ```
/// use sends_core::{Campaign, FromJson, NextLink, Page};
///
/// let decoded = Page::<Campaign>::decode(br#"{
///   "campaigns": [{"campaign_id": "cafe1ead-0000-4000-8000-000000000001", "name": "Spring"}, {"name": "Nobody's"}],
///   "_links": {"next": {"href": "/v3/emails?limit=50&cursor=bGltaXQ9"}}
/// }"#)?;
/// let page = decoded.value;
/// assert_eq!((page.records.len(), page.unreadable), (1, 1));
/// assert_eq!(decoded.oddities.to_string(), "record 2 of the page is not a campaign, field campaign_id: it is missing or null");
/// assert_eq!(page.next, NextLink::To("/v3/emails?limit=50&cursor=bGltaXQ9".into()));
/// # Ok::<(), sends_core::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The records that could be read.
    pub records: Vec<T>,
    /// How many values of each record could not be read, and are missing in it, in the order of the records.
    pub unreadable_values: Vec<usize>,
    /// How many records could not be read; 1 when the list of records is missing, null or not an array. 0 as a rule.
    pub unreadable: usize,
    /// Whether the list of records is missing, null or not an array.
    pub lacks_list: bool,
    /// The way to the next page.
    pub next: NextLink,
}

/// What a page says of the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextLink {
    /// This page is the last one: the link is absent, null, empty or the text `null`.
    None,
    /// The link as the upstream wrote it, documented to be a path with the API's version.
    To(String),
    /// There is a link that cannot be read.
    Unreadable,
}

/// A record that the upstream lists.
pub trait Listed: FromJson {
    /// The member of a page that holds the records.
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
            let reason = "it is an array without any record that can be read";
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
        oddities.record(|| format!("field {name}: it is missing or no array"));
    }
    elements
}

/// The forms of a last page are observed: clients treat an empty text, an empty object, null and nothing alike. An empty
/// array and the text `null` belong to them by this project's reading, and so does a link that is the member `next` itself
/// instead of the `href` in it.
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
            oddities.value(|| "field _links: the link to the next page cannot be read".into());
            NextLink::Unreadable
        }
    }
}

/// A member of a member that is an object, if there is one.
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
