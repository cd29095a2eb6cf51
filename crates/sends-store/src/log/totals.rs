//! What sends add up to.
//!
//! Owns the groups, their sums and their order. Must not know how the sends are found.

use std::cmp::Reverse;

use jiff::{civil::Date, tz::TimeZone};
use sends_core::{CampaignId, ListId, Outcome, ReasonCode};

/// What sends are grouped by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// How they ended.
    Outcome,
    /// Their reason code.
    Reason,
    /// The day on which they ran in this time zone.
    Day(TimeZone),
    /// The week, from Monday on, in which they ran in this time zone.
    Week(TimeZone),
    /// The month in which they ran in this time zone.
    Month(TimeZone),
    /// Their campaign.
    Campaign,
    /// The contact lists they went to.
    List,
}

/// What the sends of a group have in common. `None` is for those that do not say: a send without a code or a date, of an
/// unknown campaign, or to no list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKey {
    /// How they ended.
    Outcome(Outcome),
    /// Their reason code.
    Reason(Option<ReasonCode>),
    /// The day, the Monday of the week, or the first of the month.
    Date(Option<Date>),
    /// Their campaign, and its name if it is known.
    Campaign(Option<(CampaignId, Option<String>)>),
    /// The list.
    List(Option<ListId>),
}

/// The sends of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalGroup {
    /// What they have in common.
    pub key: GroupKey,
    /// What they add up to.
    pub total: SendTotal,
}

/// What sends add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendTotal {
    /// How many sends there are, in the order of [`Outcome::ALL`].
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
    /// How many sends there are.
    pub fn sends(&self) -> u64 {
        self.by_outcome.iter().sum()
    }

    /// How many of them ended like this.
    pub fn with_outcome(&self, outcome: Outcome) -> u64 {
        self.by_outcome[outcome as usize]
    }

    /// How many contacts the sends went to that were [sent](Outcome::Sent), up to the greatest `i64`. A lower bound, as in
    /// [`HistorySummary`](sends_core::HistorySummary).
    pub fn contacts_reached(&self) -> i64 {
        i64::try_from(self.contacts).unwrap_or(i64::MAX)
    }

    /// Adds sends that ended alike. `contacts` counts where they were sent.
    pub(crate) fn add(&mut self, outcome: Outcome, sends: u64, contacts: i128) {
        self.by_outcome[outcome as usize] += sends;
        if outcome == Outcome::Sent {
            self.contacts += contacts;
        }
    }

    /// Adds what other sends add up to.
    pub fn merge(&mut self, other: &Self) {
        for (sends, more) in self.by_outcome.iter_mut().zip(other.by_outcome) {
            *sends += more;
        }
        self.contacts += other.contacts;
    }
}

/// Puts groups into their order.
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
