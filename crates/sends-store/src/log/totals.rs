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

/// Common value of a group. `None` for sends without a reason code, date, known campaign or contact list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKey {
    Outcome(Outcome),
    Reason(Option<ReasonCode>),
    /// First day of the group: the day itself, the Monday of the week, or the first of the month.
    Date(Option<Date>),
    /// Campaign id with the name, if known.
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
    /// Numbers of sends, in the order of [`Outcome::ALL`].
    by_outcome: [u64; Outcome::ALL.len()],
    /// Sum of 64-bit counts, in 128 bits so that it cannot overflow.
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

    /// Returns the number of contacts of [sent](Outcome::Sent) sends, capped at `i64::MAX`. The number is a lower bound, as in
    /// [`HistorySummary`](sends_core::HistorySummary).
    pub fn contacts_reached(&self) -> i64 {
        i64::try_from(self.contacts).unwrap_or(i64::MAX)
    }

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
