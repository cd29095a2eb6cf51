//! Data of one account: explicit records, which take precedence over generated records.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};

use uuid::Uuid;

use super::campaigns::{Activity, Campaign};
use super::generated::Generated;
use super::identifiers::Key;
use super::lists::{self, ContactList, Segment};
use super::records::{Records, odd_records};
use super::shop::shop;
use crate::clock::Moment;
use crate::config::{AccountConfig, WrittenRecords};
use crate::lock::{read, write};

/// Predefined records, and records that control requests created or changed.
#[derive(Debug, Default)]
pub(super) struct Explicit {
    pub(super) campaigns: BTreeMap<Uuid, Arc<Campaign>>,
    pub(super) activities: HashMap<Uuid, Arc<Activity>>,
    /// Activity identifiers in the order of creation.
    pub(super) order: Vec<Uuid>,
    pub(super) deleted_activities: Vec<Uuid>,
    lists: Vec<ContactList>,
    segments: Vec<Segment>,
}

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) config: AccountConfig,
    key: Key,
    pub(super) generated: Generated,
    pub(super) explicit: RwLock<Explicit>,
    started_at: Moment,
}

/// Listings of campaigns, both newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Updated,
    LastSent,
}

/// Position of a campaign in a listing. A page continues after a position, which is not affected by campaigns that move in the
/// meantime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) at: Moment,
    pub(crate) id: Uuid,
}

impl Account {
    pub(crate) fn new(config: AccountConfig, seed: u64, started_at: Moment) -> Self {
        let key = Key::derive(seed, &config.name);
        let generated = Generated::new(key, config.activities);
        let account = Self {
            config,
            key,
            generated,
            explicit: RwLock::default(),
            started_at,
        };
        account.restore();
        account
    }

    pub(crate) fn restore(&self) {
        let records = match self.config.written_records {
            WrittenRecords::Shop => shop(self.started_at),
            WrittenRecords::Odd => odd_records(),
            WrittenRecords::None => Records::default(),
        };
        let explicit = Explicit {
            order: records.activities.iter().map(|activity| activity.id).collect(),
            campaigns: by_id(records.campaigns, |campaign| campaign.id).collect(),
            activities: by_id(records.activities, |activity| activity.id).collect(),
            deleted_activities: Vec::new(),
            lists: records.lists,
            segments: records.segments,
        };
        *write(&self.explicit) = explicit;
    }

    pub(crate) fn activity(&self, id: Uuid) -> Option<Arc<Activity>> {
        let explicit = read(&self.explicit);
        if let Some(activity) = explicit.activities.get(&id) {
            return Some(Arc::clone(activity));
        }
        if explicit.deleted_activities.contains(&id) {
            return None;
        }
        drop(explicit);
        self.generated.find_activity(id).map(Arc::new)
    }

    pub(crate) fn campaign(&self, id: Uuid) -> Option<Arc<Campaign>> {
        if let Some(campaign) = read(&self.explicit).campaigns.get(&id) {
            return Some(Arc::clone(campaign));
        }
        self.generated.find_campaign(id).map(Arc::new)
    }

    pub(crate) fn lists(&self) -> Vec<ContactList> {
        let mut all = read(&self.explicit).lists.clone();
        all.extend(lists::generated_lists(self.key, self.generated.lists()));
        all
    }

    pub(crate) fn segments(&self) -> Vec<Segment> {
        let mut all = read(&self.explicit).segments.clone();
        all.extend(lists::generated_segments(self.generated.segments()));
        all
    }

    pub(crate) fn activity_count(&self) -> u64 {
        read(&self.explicit).order.len() as u64 + self.generated.activities()
    }

    /// Returns identifiers of activities: explicit activities first, then generated activities by index.
    pub(crate) fn activity_ids(&self, offset: u64, limit: u64) -> Vec<Uuid> {
        let explicit = read(&self.explicit);
        let first_generated = explicit.order.len() as u64;
        let end = offset
            .saturating_add(limit)
            .min(first_generated + self.generated.activities());
        (offset..end)
            .filter_map(|position| match position.checked_sub(first_generated) {
                Some(index) => Some(self.generated.activity_id(index)),
                None => explicit.order.get(usize::try_from(position).ok()?).copied(),
            })
            .collect()
    }

    pub(crate) fn generated_activity_id(&self, index: u64) -> Option<Uuid> {
        (index < self.generated.activities()).then(|| self.generated.activity_id(index))
    }

    /// Returns at most `limit` campaigns after a [`Place`], down to `until` (exclusive).
    pub(crate) fn campaigns(
        &self,
        order: Order,
        after: Option<Place>,
        until: Option<Moment>,
        limit: usize,
    ) -> Vec<(Place, Arc<Campaign>)> {
        let explicit = read(&self.explicit);
        let mut listed: Vec<(Place, Arc<Campaign>)> = explicit
            .campaigns
            .values()
            .filter_map(|campaign| {
                let at = match order {
                    Order::Updated => Some(campaign.updated_at),
                    Order::LastSent => last_sent_at(&explicit, campaign),
                }?;
                Some((Place { at, id: campaign.id }, Arc::clone(campaign)))
            })
            .filter(|(place, _)| after.is_none_or(|after| *place < after))
            .collect();
        listed.sort_unstable_by_key(|(place, _)| std::cmp::Reverse(*place));

        let mut page = Vec::with_capacity(limit.min(500));
        let mut listed = listed.into_iter().peekable();
        let mut numbers = (self.first_generated(order, after)..self.generated.campaigns()).peekable();
        while page.len() < limit {
            let generated = numbers.peek().map(|number| self.generated_place(order, *number));
            let take_listed = match (listed.peek(), generated) {
                (Some((place, _)), Some(generated)) => *place > generated,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            let next = if take_listed {
                listed.next()
            } else {
                numbers
                    .next()
                    .and_then(|number| self.listed_generated(&explicit, order, number))
            };
            match next {
                Some((place, _)) if until.is_some_and(|until| place.at <= until) => break,
                Some(row) => page.push(row),
                None => {}
            }
        }
        page
    }

    fn listed_generated(
        &self,
        explicit: &Explicit,
        order: Order,
        number: u64,
    ) -> Option<(Place, Arc<Campaign>)> {
        let place = self.generated_place(order, number);
        if explicit.campaigns.contains_key(&place.id) {
            return None;
        }
        let campaign = self.generated.campaign(number);
        let never_sent = matches!(&*campaign.status, "Draft" | "Scheduled");
        (order == Order::Updated || !never_sent).then(|| (place, Arc::new(campaign)))
    }

    fn generated_place(&self, order: Order, number: u64) -> Place {
        let at = match order {
            Order::Updated => self.generated.updated_at(number),
            Order::LastSent => self.generated.last_sent_at(number),
        };
        Place {
            at,
            id: self.generated.campaign_id(number),
        }
    }

    /// Returns the number of the first generated campaign after a [`Place`]. The search is binary, because places decrease with
    /// the number.
    fn first_generated(&self, order: Order, after: Option<Place>) -> u64 {
        let Some(after) = after else { return 0 };
        let (mut low, mut high) = (0, self.generated.campaigns());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.generated_place(order, middle) < after {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

fn by_id<T>(all: Vec<T>, id: impl Fn(&T) -> Uuid) -> impl Iterator<Item = (Uuid, Arc<T>)> {
    all.into_iter().map(move |one| (id(&one), Arc::new(one)))
}

fn last_sent_at(explicit: &Explicit, campaign: &Campaign) -> Option<Moment> {
    campaign
        .activities
        .iter()
        .filter_map(|listed| explicit.activities.get(&listed.id)?.last_sent_at())
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_contain_every_campaign_once_newest_first() {
        let config = AccountConfig {
            activities: 500,
            ..AccountConfig::default()
        };
        let account = Account::new(config, 1, Moment(1_780_315_200_000));
        for order in [Order::Updated, Order::LastSent] {
            let all = account.campaigns(order, None, None, usize::MAX);
            let mut paged = Vec::new();
            let mut after = None;
            loop {
                let page = account.campaigns(order, after, None, 7);
                let Some((last, _)) = page.last() else { break };
                after = Some(*last);
                paged.extend(page.iter().map(|(place, _)| *place));
            }
            assert!(paged.is_sorted_by(|left, right| left > right));
            assert_eq!(paged, all.iter().map(|(place, _)| *place).collect::<Vec<_>>());
        }
    }
}
