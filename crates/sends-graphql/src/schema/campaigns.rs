//! The campaigns of the account as a connection.
//!
//! Owns the cursors. One says where a campaign stands in the order: when it was updated, and its id among those updated at the
//! same time. It needs nothing to be remembered, here or upstream, and so stays good for as long as the campaign is where it
//! was; a campaign that is updated moves to the front, where a reader who is further back does not meet it again.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_graphql::{Context, Object, SimpleObject};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use sends_client::CampaignFilter;
use sends_core::CampaignId;

use super::{
    ApiError,
    campaign::Campaign,
    charge,
    connection::PageInfo,
    scalar::{DateTime, count},
};
use crate::{sources::loader::ResourceLoader, sources::resources::CampaignPage};

/// How many campaigns come on a page that does not say, and how many at most.
const USUAL: i32 = 50;
const MOST: i32 = 500;

/// How much later than its cursor a page begins upstream: whether the upstream's dates include their own moment, and to what
/// fraction of a second they are compared, is not documented. What is there twice is left out here.
const OVERLAP: SignedDuration = SignedDuration::from_secs(1);
/// How many campaigns of the page before are expected within it.
const OVERLAPPING: u16 = 10;
/// How many more pages are gone through to find the place of a cursor before giving up: so many campaigns would have to be
/// of one second.
const PAGES_OF_ONE_SECOND: usize = 10;

/// Which campaigns to give, understood.
pub(super) struct CampaignPageRequest {
    first: u16,
    after: Option<Cursor>,
    updated_after: Option<Timestamp>,
    updated_before: Option<Timestamp>,
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
        first: Option<i32>,
        after: Option<&str>,
        updated_after: Option<DateTime>,
        updated_before: Option<DateTime>,
    ) -> Result<Self, ApiError> {
        let first = first.unwrap_or(USUAL);
        let message = || ApiError::bad_user_input(format!("`first` must be from 1 to {MOST}."));
        if !(1..=MOST).contains(&first) {
            return Err(message());
        }
        let decode = |text| {
            let message = || ApiError::bad_user_input("`after` must be a cursor that this list gave out.");
            Cursor::decode(text).ok_or_else(message)
        };
        Ok(Self {
            first: first.try_into().map_err(|_| message())?,
            after: after.map(decode).transpose()?,
            updated_after: updated_after.map(|date| date.at),
            updated_before: updated_before.map(|date| date.at),
        })
    }

    fn filter(&self) -> CampaignFilter {
        // At the end of time nothing is later, and nothing has to be.
        let from = self.after.map(|cursor| {
            cursor
                .updated_at
                .saturating_add(OVERLAP)
                .unwrap_or(Timestamp::MAX)
        });
        let most = u16::try_from(MOST).unwrap_or(u16::MAX);
        CampaignFilter {
            limit: match self.after {
                Some(_) => self.first.saturating_add(OVERLAPPING).min(most),
                None => self.first,
            },
            updated_after: self.updated_after,
            updated_before: from.into_iter().chain(self.updated_before).min(),
        }
    }

    /// The campaigns of an upstream page that come after the cursor and meet the conditions. One that was updated later than
    /// the cursor's is never among them, so that an upstream that ignores `before_date` leads no reader in a circle.
    fn choose(&self, records: &[sends_core::Campaign]) -> Vec<sends_core::Campaign> {
        let begin = self.after.map_or(0, |cursor| {
            let itself = records.iter().position(|campaign| campaign.id == cursor.id);
            // Where the campaign itself has moved away, others of its moment may have been shown before or not.
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
                && self.updated_after.is_none_or(|after| date > after)
                && self.updated_before.is_none_or(|before| date < before)
        };
        records[begin..].iter().filter(meets).cloned().collect()
    }

    /// Whether these campaigns, from the top of an upstream listing on, show where the cursor stands, and any behind it. While
    /// all of them are of its moment, which of them were shown before is known only once itself is among them.
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

    /// Whether an upstream listing that leads in a circle ends with the cursor, by its first page: that is not full, keeps to the
    /// date that was asked for, and has the cursor last.
    fn ends_in(&self, first: &CampaignPage) -> bool {
        let filter = self.filter();
        let is_asked_for = |campaign: &sends_core::Campaign| {
            let date = campaign.updated_at.zip(filter.updated_before);
            date.is_none_or(|(date, before)| date <= before)
        };
        let records = &first.records;
        let is_last = |cursor: Cursor| records.last().is_some_and(|last| last.id == cursor.id);
        records.len() + first.unreadable < usize::from(filter.limit)
            && records.iter().all(is_asked_for)
            && self.after.is_some_and(is_last)
    }

    /// Reads the page.
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
                    "The place of `after` was not found: more campaigns were updated at one moment than a page of this \
                     size gets past, or Constant Contact ignores the date that it is asked for (before_date). Ask for larger \
                     pages.",
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
        // A cursor of ours leads on by date even where the upstream's link is wrong.
        let leads_on = next.is_some() || is_cut_short;
        let has_next_page = chosen.len() > usize::from(self.first) || leads_on;
        chosen.truncate(self.first.into());
        Ok(CampaignConnection {
            campaigns: chosen,
            odd_values: odd,
            unreadable,
            has_previous_page: self.after.is_some(),
            has_next_page,
            began_at: self.after.map_or(Timestamp::MAX, |cursor| cursor.updated_at),
        })
    }
}

/// Whether a campaign comes more than once.
fn has_repeats(records: &[sends_core::Campaign]) -> bool {
    let ids: HashSet<CampaignId> = records.iter().map(|campaign| campaign.id).collect();
    ids.len() < records.len()
}

/// Appends the campaigns that are not there yet: behind its cursor a campaign that comes again would look like another one.
fn append_new(records: &mut Vec<sends_core::Campaign>, more: Vec<sends_core::Campaign>) {
    let mut known: HashSet<CampaignId> = records.iter().map(|campaign| campaign.id).collect();
    records.extend(more.into_iter().filter(|campaign| known.insert(campaign.id)));
}

/// The campaigns of a page of which some values could not be read, and how many.
fn odd_values(page: &CampaignPage) -> impl Iterator<Item = (CampaignId, usize)> {
    let ids = page.records.iter().map(|campaign| campaign.id);
    ids.zip(page.unreadable_values.iter().copied())
        .filter(|(_, values)| *values > 0)
}

/// A page of the campaigns of the account.
pub(super) struct CampaignConnection {
    campaigns: Vec<sends_core::Campaign>,
    /// How many values of a campaign could not be read. None of those that are not there.
    odd_values: HashMap<CampaignId, usize>,
    unreadable: usize,
    has_previous_page: bool,
    has_next_page: bool,
    began_at: Timestamp,
}

impl CampaignConnection {
    fn cursors(&self) -> impl Iterator<Item = String> {
        // A campaign without a date stands where the one before it does.
        let cursor = |last: &mut Timestamp, campaign: &sends_core::Campaign| {
            *last = campaign.updated_at.unwrap_or(*last);
            Some(Cursor {
                updated_at: *last,
                id: campaign.id,
            })
        };
        self.campaigns
            .iter()
            .scan(self.began_at, cursor)
            .map(Cursor::encode)
    }

    fn listed(&self) -> impl Iterator<Item = Campaign> {
        let page: Arc<[CampaignId]> = self.campaigns.iter().map(|campaign| campaign.id).collect();
        self.campaigns.iter().map(move |campaign| {
            let odd_values = self.odd_values.get(&campaign.id).copied().unwrap_or(0);
            Campaign::listed(campaign.clone(), odd_values, &page)
        })
    }
}

/// A page of the campaigns of the account, the last updated first, by the Relay cursor connections specification.
#[Object]
impl CampaignConnection {
    /// The campaigns of this page, each with its cursor.
    async fn edges(&self) -> Vec<CampaignEdge> {
        charge::foreseen_list().await;
        let edge = |(cursor, node)| CampaignEdge { cursor, node };
        self.cursors().zip(self.listed()).map(edge).collect()
    }

    /// The campaigns of this page.
    async fn nodes(&self) -> Vec<Campaign> {
        charge::foreseen_list().await;
        self.listed().collect()
    }

    /// Where this page stands among the others.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous_page,
            has_next_page: self.has_next_page,
            start_cursor: self.cursors().next(),
            end_cursor: self.cursors().last(),
        }
    }

    /// How many campaigns of this page Constant Contact gave in a form that could not be read. They are left out; 0 as a
    /// rule.
    async fn unreadable_count(&self) -> i32 {
        count(self.unreadable)
    }
}

/// One campaign on a page.
#[derive(SimpleObject)]
pub(super) struct CampaignEdge {
    /// The place of this campaign in the order: what `after` takes. It stays good after a restart, and for as long as the
    /// campaign is not updated.
    cursor: String,
    /// The campaign.
    node: Campaign,
}

#[cfg(test)]
mod tests;
