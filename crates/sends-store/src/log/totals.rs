//! Totals of sends by group.

use std::cmp::Reverse;

use jiff::{civil::Date, tz::TimeZone};
use sends_core::{CampaignId, ListId, Outcome, ReasonCode};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    Outcome,
    Reason,
    Day(TimeZone),
    /// Weeks start on Monday.
    Week(TimeZone),
    Month(TimeZone),
    Campaign,
    List,
}

/// The common value of a group. `None` for sends without a code or date, of an unknown campaign, or without a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKey {
    Outcome(Outcome),
    Reason(Option<ReasonCode>),
    /// The day, the Monday of the week, or the first of the month.
    Date(Option<Date>),
    /// With the name, if known.
    Campaign(Option<(CampaignId, Option<String>)>),
    List(Option<ListId>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalGroup {
    pub key: GroupKey,
    pub total: SendTotal,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendTotal {
    /// The numbers of sends, in the order of [`Outcome::ALL`].
    by_outcome: [u64; Outcome::ALL.len()],
    /// Wide enough for any sum of counts.
    contacts: i128,
}

impl GroupKey {
    fn is_unknown(&self) -> bool {
        match self {
            Self::Outcome(_) => false,
            Self::Reason(code) => code.is_none(),
            Self::Date(date) => date.is_none(),
            Self::Campaign(campaign) => campaign.is_none(),
            Self::List(list) => list.is_none(),
        }
    }
}

impl SendTotal {
    pub fn sends(&self) -> u64 {
        self.by_outcome.iter().sum()
    }

    pub fn with_outcome(&self, outcome: Outcome) -> u64 {
        self.by_outcome[outcome as usize]
    }

    /// The contacts of the sends that were [sent](Outcome::Sent), at most `i64::MAX`. A lower bound, as in
    /// [`HistorySummary`](sends_core::HistorySummary).
    pub fn contacts_reached(&self) -> i64 {
        i64::try_from(self.contacts).unwrap_or(i64::MAX)
    }

    /// Adds sends with the same outcome. `contacts` counts for sent ones only.
    pub(crate) fn add(&mut self, outcome: Outcome, sends: u64, contacts: i128) {
        self.by_outcome[outcome as usize] += sends;
        if outcome == Outcome::Sent {
            self.contacts += contacts;
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (sends, more) in self.by_outcome.iter_mut().zip(other.by_outcome) {
            *sends += more;
        }
        self.contacts += other.contacts;
    }
}

pub(crate) fn sort(groups: &mut [TotalGroup]) {
    let rank = |group: &TotalGroup| {
        let date = match group.key {
            GroupKey::Date(date) => date,
            _ => None,
        };
        (
            group.key.is_unknown(),
            Reverse(date),
            Reverse(group.total.sends()),
        )
    };
    groups.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.key.cmp(&other.key)));
}
