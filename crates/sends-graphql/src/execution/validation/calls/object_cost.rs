//! Cost of one object of the response: the upstream calls of its fields, and the assumed lengths of lists.

use async_graphql::Value;

use crate::{
    bulkheads::answers,
    execution::plan::{Field, Selections},
    schema::{ASSUMED_ACTIVITIES, ASSUMED_SENDS, ASSUMED_UNREADABLE},
};

const ASSUMED_SENT_ACTIVITIES: usize = 2;
/// Default and maximum page size of campaigns.
const DEFAULT_PAGE_SIZE: usize = 50;
const MAX_PAGE_SIZE: usize = 500;

#[derive(Clone, Copy, Eq, PartialEq)]
enum Source {
    /// Object identified by its id, or contained in an activity's history.
    Id,
    /// On a page of campaigns, with its own fields.
    Listed,
    /// In the send log, with its own fields except the number of undecodable values.
    Logged,
    /// Page with this many campaigns.
    Page(usize),
}

#[derive(Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the flags are independent requirements"
)]
pub(super) struct ObjectCost {
    pub(super) values: usize,
    /// Number of values that wait for data concurrently.
    pub(super) waits: usize,
    /// Bytes of long names and of arguments.
    pub(super) texts: usize,
    pub(super) needs_history: bool,
    /// Number of additional history reads with a different `maxAge`.
    pub(super) ages: usize,
    pub(super) needs_itself: bool,
    pub(super) others: usize,
    /// Number of activities and campaigns whose statistics are read in batches.
    pub(super) activity_stats: usize,
    pub(super) campaign_stats: usize,
    /// Contact lists, segments and account, each read once per operation.
    pub(super) needs_lists: bool,
    pub(super) needs_segments: bool,
    pub(super) needs_account: bool,
}

impl ObjectCost {
    /// Returns the number of calls, except for history calls, batched calls and calls made once per operation.
    pub(super) fn calls(&self) -> usize {
        self.others.saturating_add(usize::from(self.needs_itself))
    }

    /// Adds two costs of the same object.
    fn and(self, other: Self) -> Self {
        Self {
            values: self.values.saturating_add(other.values),
            waits: self.waits.saturating_add(other.waits),
            texts: self.texts.saturating_add(other.texts),
            ages: self.ages.saturating_add(other.ages),
            others: self.others.saturating_add(other.others),
            activity_stats: self.activity_stats.saturating_add(other.activity_stats),
            campaign_stats: self.campaign_stats.saturating_add(other.campaign_stats),
            ..self.needs(other)
        }
    }

    /// Returns the maximum of the costs of two possible types.
    fn or(self, other: Self) -> Self {
        Self {
            values: self.values.max(other.values),
            waits: self.waits.max(other.waits),
            texts: self.texts.max(other.texts),
            ages: self.ages.max(other.ages),
            others: self.others.max(other.others),
            activity_stats: self.activity_stats.max(other.activity_stats),
            campaign_stats: self.campaign_stats.max(other.campaign_stats),
            ..self.needs(other)
        }
    }

    fn needs(self, other: Self) -> Self {
        Self {
            needs_history: self.needs_history || other.needs_history,
            needs_itself: self.needs_itself || other.needs_itself,
            needs_lists: self.needs_lists || other.needs_lists,
            needs_segments: self.needs_segments || other.needs_segments,
            needs_account: self.needs_account || other.needs_account,
            ..self
        }
    }

    /// Returns the cost of a list of `count` objects, `sent` of which have a history.
    pub(super) fn times(self, count: usize, sent: usize) -> Self {
        let histories = usize::from(self.needs_history)
            .saturating_add(self.ages)
            .saturating_mul(sent);
        Self {
            values: self.values.saturating_mul(count).saturating_add(1),
            waits: self.waits.saturating_mul(count),
            texts: self.texts.saturating_mul(count),
            needs_history: false,
            ages: 0,
            needs_itself: false,
            others: self.calls().saturating_mul(count).saturating_add(histories),
            activity_stats: self.activity_stats.saturating_mul(sent),
            campaign_stats: self.campaign_stats.saturating_mul(count),
            ..self
        }
    }

    const ITSELF: Self = Self {
        needs_itself: true,
        ..Self::NOTHING
    };

    const NOTHING: Self = Self {
        values: 0,
        waits: 0,
        texts: 0,
        needs_history: false,
        ages: 0,
        needs_itself: false,
        others: 0,
        activity_stats: 0,
        campaign_stats: 0,
        needs_lists: false,
        needs_segments: false,
        needs_account: false,
    };
}

/// Returns the cost of a root field, including its own call but not its history calls.
pub(super) fn of_root(field: &Field) -> ObjectCost {
    let zone = ObjectCost {
        needs_account: is_zoned(field),
        ..ObjectCost::NOTHING
    };
    let below = match field.name.as_str() {
        "campaigns" => {
            let page = length(field).map_or(DEFAULT_PAGE_SIZE, |first| first.min(MAX_PAGE_SIZE));
            below(field, Source::Page(page)).and(ObjectCost::ITSELF)
        }
        "account" => below(field, Source::Id).and(ObjectCost {
            needs_account: true,
            ..ObjectCost::NOTHING
        }),
        "sends" | "sendTotals" => below(field, Source::Logged),
        _ => below(field, Source::Id),
    };
    below.and(zone)
}

fn below(field: &Field, source: Source) -> ObjectCost {
    let objects = field.below.iter().flat_map(|Selections { objects, .. }| objects);
    let cost = objects.map(|object| {
        let fields = object.fields.as_deref().unwrap_or_default().iter();
        fields.fold(ObjectCost::NOTHING, |cost, field| {
            let texts = answers::long_name(&field.key).saturating_add(field.argument_bytes());
            cost.and(of_field(&object.of, field, source)).and(ObjectCost {
                texts,
                ..ObjectCost::NOTHING
            })
        })
    });
    cost.fold(ObjectCost::NOTHING, ObjectCost::or)
}

fn of_field(of: &str, field: &Field, source: Source) -> ObjectCost {
    let name = field.name.as_str();
    let below = |source| below(field, source);
    let itself = match source {
        Source::Listed | Source::Logged => ObjectCost::NOTHING,
        Source::Id | Source::Page(_) => ObjectCost::ITSELF,
    };
    let cost = match (of, name) {
        (_, "id" | "__typename" | "campaignId" | "listId" | "segmentId") => {
            return ObjectCost {
                values: 1,
                ..ObjectCost::NOTHING
            };
        }
        ("CampaignConnection", "edges" | "nodes") => {
            let Source::Page(count) = source else {
                return below(Source::Listed);
            };
            return below(Source::Listed).times(count, count);
        }
        ("CampaignActivity", "campaign") => below(Source::Id).times(1, 1).and(ObjectCost::ITSELF),
        ("CampaignActivity", "scheduledFor") => ObjectCost {
            others: 1,
            ..ObjectCost::NOTHING
        },
        ("CampaignActivity", "stats") => below(Source::Id).and(ObjectCost {
            activity_stats: 1,
            ..ObjectCost::NOTHING
        }),
        ("CampaignActivity", _) if HISTORY.contains(&name) => return of_history(field),
        ("CampaignActivity", _) => below(Source::Id).and(ObjectCost::ITSELF),
        ("Campaign", "activities") => below(Source::Id)
            .times(ASSUMED_ACTIVITIES, ASSUMED_SENT_ACTIVITIES)
            .and(ObjectCost::ITSELF),
        ("Campaign", "stats") => below(Source::Id).and(ObjectCost {
            campaign_stats: 1,
            ..ObjectCost::NOTHING
        }),
        // The campaign listing omits these fields, so the campaign itself is read.
        ("Campaign", "unreadableActivityCount" | "unreadableRoleCount") => ObjectCost::ITSELF,
        ("Campaign", "unreadableValueCount") if source == Source::Logged => ObjectCost::ITSELF,
        ("Campaign", _) => below(Source::Id).and(itself),
        ("SyncState", "unreadableResources") => {
            below(Source::Logged).times(ASSUMED_UNREADABLE, ASSUMED_UNREADABLE)
        }
        // All sends of a history share their activity, which is read once.
        ("Send", "activity") => below(Source::Id),
        ("Send", "campaign") if source == Source::Logged => below(Source::Logged),
        ("Send", "campaign") => below(Source::Id).times(1, 1).and(ObjectCost::ITSELF),
        ("ContactList", _) => ObjectCost {
            needs_lists: true,
            ..ObjectCost::NOTHING
        },
        ("Segment", _) => ObjectCost {
            needs_segments: true,
            ..ObjectCost::NOTHING
        },
        _ => below(source),
    };
    let waits = matches!(of, "CampaignActivity" | "Campaign" | "ContactList" | "Segment") || is_zoned(field);
    let itself = ObjectCost {
        values: 1,
        waits: usize::from(waits),
        needs_account: is_zoned(field),
        ..ObjectCost::NOTHING
    };
    cost.and(itself)
}

fn of_history(field: &Field) -> ObjectCost {
    let below = below(field, Source::Id);
    let is_list = matches!(field.name.as_str(), "sendHistory" | "sendHistoryConnection");
    let items = if is_list {
        length(field).map_or(ASSUMED_SENDS, |length| length.min(ASSUMED_SENDS))
    } else {
        1
    };
    ObjectCost {
        values: below.values.saturating_mul(items).saturating_add(1),
        waits: below.waits.saturating_mul(items).saturating_add(1),
        texts: below.texts.saturating_mul(items),
        needs_history: true,
        ages: usize::from(is_list && integer(field, "maxAge").is_some()),
        needs_account: below.needs_account || is_zoned(field),
        ..below
    }
}

/// Returns whether a date uses the account's time zone, which requires reading the account.
fn is_zoned(field: &Field) -> bool {
    matches!(field.argument("zone"), Some(Value::String(zone)) if zone.eq_ignore_ascii_case("ACCOUNT"))
}

pub(super) fn length(field: &Field) -> Option<usize> {
    let length = integer(field, "first").or_else(|| integer(field, "last"));
    length.map(|length| usize::try_from(length).unwrap_or(0))
}

pub(super) fn integer(field: &Field, argument: &str) -> Option<i64> {
    match field.argument(argument) {
        Some(Value::Number(number)) => number.as_i64(),
        _ => None,
    }
}

/// Fields of an activity that derive from its history.
const HISTORY: [&str; 9] = [
    "sendHistory",
    "sendHistoryConnection",
    "latestSend",
    "fetchedAt",
    "isStale",
    "staleReason",
    "sendSummary",
    "unreadableSendCount",
    "unreadableValueCount",
];

/// Panics if the schema lacks a field that this module names.
#[cfg(test)]
pub(super) fn check_tables(types: &crate::execution::validation::Types) {
    let own = [
        ("CampaignConnection", "edges"),
        ("CampaignConnection", "nodes"),
        ("CampaignActivity", "campaign"),
        ("CampaignActivity", "scheduledFor"),
        ("CampaignActivity", "stats"),
        ("Campaign", "activities"),
        ("Campaign", "stats"),
        ("Campaign", "unreadableActivityCount"),
        ("Campaign", "unreadableRoleCount"),
        ("Campaign", "unreadableValueCount"),
        ("Send", "activity"),
        ("Send", "campaign"),
        ("SyncState", "unreadableResources"),
        ("ContactList", "listId"),
        ("Segment", "segmentId"),
        ("Query", "campaigns"),
        ("Query", "account"),
    ];
    for (of, field) in own
        .into_iter()
        .chain(HISTORY.map(|field| ("CampaignActivity", field)))
    {
        assert!(types.field(of, field).is_some(), "{of}.{field}");
    }
}
