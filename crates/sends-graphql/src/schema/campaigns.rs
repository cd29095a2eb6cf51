//! Connection of the account's campaigns.
//!
//! A cursor contains the update time and the id of a campaign, so neither this service nor the upstream stores paging state. An
//! update moves a campaign to the front of the list. Its cursor then continues at the former update time, and a client on a later
//! page does not see the campaign again.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_graphql::{Context, InputObject, Object, SimpleObject};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use sends_core::CampaignId;

use super::{
    ApiError,
    campaign::Campaign,
    charge,
    connection::PageInfo,
    history_arguments::period,
    paging::cursor_argument,
    scalar::{DateTime, Long},
};
use crate::{sources::loader::ResourceLoader, sources::resources::CampaignPage};

const DEFAULT_LENGTH: i32 = 50;
const MAX_LENGTH: i32 = 500;

/// Extension of the requested period at both ends. Constant Contact does not document whether its date filters are inclusive, or
/// how precisely they compare. `choose` removes the surplus records.
const OVERLAP: SignedDuration = SignedDuration::from_secs(1);
/// Expected number of campaigns from the previous page within the overlap.
const OVERLAPPING: u16 = 10;
/// Maximum number of additional pages read to find the position of a cursor. Sufficient unless more campaigns than these pages
/// hold were updated within one second.
const PAGES_OF_ONE_SECOND: usize = 10;

/// Filter for campaigns. A campaign must meet all conditions.
#[derive(Debug, Default, InputObject)]
pub(super) struct CampaignFilter {
    /// Earliest `updatedAt`, inclusive.
    updated_from: Option<DateTime>,
    /// Latest `updatedAt`, exclusive.
    updated_until: Option<DateTime>,
}

/// Validated arguments of the connection.
pub(super) struct CampaignPageRequest {
    first: u16,
    after: Option<Cursor>,
    updated_from: Option<Timestamp>,
    updated_until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Cursor {
    updated_at: Timestamp,
    id: CampaignId,
}

impl Cursor {
    fn encode(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}/{}", self.updated_at, self.id))
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (updated_at, id) = std::str::from_utf8(&bytes).ok()?.split_once('/')?;
        Some(Self {
            updated_at: updated_at.parse().ok()?,
            id: id.parse().ok()?,
        })
    }
}

impl CampaignPageRequest {
    pub(super) fn new(
        filter: &CampaignFilter,
        first: Option<i32>,
        after: Option<&str>,
    ) -> Result<Self, ApiError> {
        let length = first.unwrap_or(DEFAULT_LENGTH);
        let length = Some(length).filter(|length| (1..=MAX_LENGTH).contains(length));
        let first = length.and_then(|length| length.try_into().ok());
        let message = || ApiError::bad_user_input(format!("`first` must be from 1 to {MAX_LENGTH}."));
        let (from, until) = (filter.updated_from, filter.updated_until);
        let (updated_from, updated_until) = period("updatedFrom", from, "updatedUntil", until)?;
        Ok(Self {
            first: first.ok_or_else(message)?,
            after: cursor_argument("after", after, Cursor::decode)?,
            updated_from,
            updated_until,
        })
    }

    fn filter(&self) -> sends_client::CampaignFilter {
        let later = |at: Timestamp| at.saturating_add(OVERLAP).unwrap_or(Timestamp::MAX);
        let earlier = |at: Timestamp| at.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN);
        let cursor = self.after.map(|cursor| later(cursor.updated_at));
        let max = u16::try_from(MAX_LENGTH).unwrap_or(u16::MAX);
        sends_client::CampaignFilter {
            limit: match self.after {
                Some(_) => self.first.saturating_add(OVERLAPPING).min(max),
                None => self.first,
            },
            updated_after: self.updated_from.map(earlier),
            updated_before: cursor.into_iter().chain(self.updated_until).min(),
        }
    }

    /// Returns the campaigns of an upstream page that follow the cursor and match the filter. Campaigns updated after the
    /// cursor's update time are excluded. Otherwise an upstream that ignores `before_date` would cause endless paging.
    fn choose(&self, records: &[sends_core::Campaign]) -> Vec<sends_core::Campaign> {
        let begin = self.after.map_or(0, |cursor| {
            let itself = records.iter().position(|campaign| campaign.id == cursor.id);
            // If the cursor's campaign has moved, an earlier page may or may not have contained other campaigns with the same
            // update time. They are returned again rather than skipped.
            let is_later = |campaign: &sends_core::Campaign| {
                campaign.updated_at.is_some_and(|date| date > cursor.updated_at)
            };
            itself.map_or_else(|| records.partition_point(is_later), |place| place + 1)
        });
        let meets = |campaign: &&sends_core::Campaign| {
            let Some(date) = campaign.updated_at else {
                return true;
            };
            self.after.is_none_or(|cursor| date <= cursor.updated_at)
                && self.updated_from.is_none_or(|from| date >= from)
                && self.updated_until.is_none_or(|until| date < until)
        };
        records[begin..].iter().filter(meets).cloned().collect()
    }

    /// Returns whether the records read so far contain the position of the cursor and a campaign after it. Among campaigns with
    /// the same update time, only the cursor's own campaign marks the position.
    fn begins_in(&self, records: &[sends_core::Campaign]) -> bool {
        let is_passed = |cursor: Cursor| {
            let is_earlier = |campaign: &sends_core::Campaign| {
                campaign.updated_at.is_some_and(|date| date < cursor.updated_at)
            };
            records
                .iter()
                .any(|campaign| campaign.id == cursor.id || is_earlier(campaign))
        };
        self.after.is_none_or(is_passed) && !self.choose(records).is_empty()
    }

    /// Returns whether a cyclic upstream listing ends at the cursor. In that case, the first page is not full, respects the
    /// requested date, and has the cursor's campaign last.
    fn ends_in(&self, first: &CampaignPage) -> bool {
        let filter = self.filter();
        let is_requested = |campaign: &sends_core::Campaign| {
            let date = campaign.updated_at.zip(filter.updated_before);
            date.is_none_or(|(date, before)| date <= before)
        };
        let records = &first.records;
        let is_last = |cursor: Cursor| records.last().is_some_and(|last| last.id == cursor.id);
        records.len() + first.unreadable < usize::from(filter.limit)
            && records.iter().all(is_requested)
            && self.after.is_some_and(is_last)
    }

    /// Whether these records reach beyond the start of the period, so that the pages after them have no campaign of the filter.
    fn ends_before(&self, records: &[sends_core::Campaign]) -> bool {
        let last = records.last().and_then(|campaign| campaign.updated_at);
        last.zip(self.updated_from)
            .is_some_and(|(last, from)| last < from)
    }

    pub(super) async fn read(self, context: &Context<'_>) -> Result<CampaignConnection, ApiError> {
        let loader = context.data_unchecked::<ResourceLoader>();
        let page = loader.campaign_page(self.filter()).await?;
        let mut records = Cow::Borrowed(&page.records[..]);
        if has_repeats(&records) {
            records = Cow::Owned(Vec::new());
            append_new(records.to_mut(), page.records.clone());
        }
        let mut odd: HashMap<CampaignId, usize> = odd_values(&page).collect();
        let (mut unreadable, mut next) = (page.unreadable, page.next.clone());
        let (mut is_cut_short, mut leads_back) = (page.cut_short.is_some(), page.leads_back());
        let mut pages = 0;
        while let Some(link) = next.as_ref().filter(|_| !self.begins_in(&records)) {
            if pages == PAGES_OF_ONE_SECOND {
                return Err(ApiError::bad_user_input(
                    "Position of `after` not found: more campaigns have the same `updatedAt` than pages of this size can \
                     pass, or Constant Contact ignores the requested date (before_date). Use a larger `first`.",
                ));
            }
            let more = loader.next_campaign_page(link).await?;
            odd.extend(odd_values(&more));
            (is_cut_short, leads_back) = (more.cut_short.is_some(), more.leads_back());
            append_new(records.to_mut(), more.records);
            unreadable += more.unreadable;
            next = more.next;
            pages += 1;
        }
        let mut chosen = self.choose(&records);
        if leads_back && chosen.is_empty() && self.ends_in(&page) {
            is_cut_short = false;
        }
        if is_cut_short && chosen.is_empty() {
            return Err(ApiError::cut_short());
        }
        // The cursor contains a date, so paging can continue even if the upstream's link is broken.
        let leads_on = (next.is_some() || is_cut_short) && !self.ends_before(&records);
        let has_next_page = chosen.len() > usize::from(self.first) || leads_on;
        chosen.truncate(self.first.into());
        let page: Arc<[CampaignId]> = chosen.iter().map(|campaign| campaign.id).collect();
        // A campaign without a date takes the update time of the previous campaign.
        let mut updated_at = self.after.map_or(Timestamp::MAX, |cursor| cursor.updated_at);
        let edge = |record: sends_core::Campaign| {
            let id = record.id;
            updated_at = record.updated_at.unwrap_or(updated_at);
            let odd_values = odd.get(&id).copied().unwrap_or(0);
            CampaignEdge {
                cursor: Cursor { updated_at, id }.encode(),
                node: Campaign::listed(record, odd_values, &page),
            }
        };
        Ok(CampaignConnection {
            edges: chosen.into_iter().map(edge).collect(),
            unreadable,
            has_previous_page: self.after.is_some(),
            has_next_page,
        })
    }
}

fn has_repeats(records: &[sends_core::Campaign]) -> bool {
    let ids: HashSet<CampaignId> = records.iter().map(|campaign| campaign.id).collect();
    ids.len() < records.len()
}

/// Appends only campaigns that are not in `records`. A repeated campaign would be returned again after its own cursor.
fn append_new(records: &mut Vec<sends_core::Campaign>, more: Vec<sends_core::Campaign>) {
    let mut known: HashSet<CampaignId> = records.iter().map(|campaign| campaign.id).collect();
    records.extend(more.into_iter().filter(|campaign| known.insert(campaign.id)));
}

/// Returns the campaigns that have undecodable values, with the number of these values.
fn odd_values(page: &CampaignPage) -> impl Iterator<Item = (CampaignId, usize)> {
    let ids = page.records.iter().map(|campaign| campaign.id);
    ids.zip(page.unreadable_values.iter().copied())
        .filter(|(_, values)| *values > 0)
}

pub(super) struct CampaignConnection {
    edges: Vec<CampaignEdge>,
    unreadable: usize,
    has_previous_page: bool,
    has_next_page: bool,
}

/// Connection of campaigns, most recently updated first, as defined by the Relay cursor connections specification.
#[Object]
impl CampaignConnection {
    /// Campaigns of this page with their cursors.
    async fn edges(&self) -> &[CampaignEdge] {
        charge::foreseen_list().await;
        &self.edges
    }

    /// Campaigns of this page.
    async fn nodes(&self) -> Vec<&Campaign> {
        charge::foreseen_list().await;
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// Position of this page within the connection.
    async fn page_info(&self) -> PageInfo {
        let cursor = |edge: Option<&CampaignEdge>| edge.map(|edge| edge.cursor.clone());
        PageInfo {
            has_previous_page: self.has_previous_page,
            has_next_page: self.has_next_page,
            start_cursor: cursor(self.edges.first()),
            end_cursor: cursor(self.edges.last()),
        }
    }

    /// Number of undecodable campaigns of this page, which are omitted. Normally 0.
    async fn unreadable_campaign_count(&self) -> Long {
        self.unreadable.into()
    }
}

/// Edge of a campaign connection: a campaign and its cursor.
#[derive(SimpleObject)]
pub(super) struct CampaignEdge {
    /// Opaque position of the campaign, for the argument `after`. The cursor remains valid after a restart, until the campaign is
    /// updated.
    cursor: String,
    /// Campaign at this position.
    node: Campaign,
}

#[cfg(test)]
mod tests;
