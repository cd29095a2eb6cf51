//! What one object of the answer is asked, and what that costs.
//!
//! Owns which field needs which upstream call, and how many objects a list is taken to have before anybody knows. Must not
//! know which objects there are.

use async_graphql::{
    Value, Variables,
    parser::types::{ExecutableDocument, Field, Selection, SelectionSet},
};
use async_graphql_value::Value as Literal;

/// How many sends a history is taken to have, for want of knowing it.
const ASSUMED_SENDS: usize = 10;
/// How many activities a campaign is taken to have: the email, its page, and one more for those who did not open it.
const ASSUMED_ACTIVITIES: usize = 3;
/// How many of them can have been sent.
const ASSUMED_SENT_ACTIVITIES: usize = 2;
/// How many campaigns come on a page that does not say, and how many at most.
const USUAL_PAGE: usize = 50;
const GREATEST_PAGE: usize = 500;

/// What an object is, as far as the same field costs differently.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Kind {
    /// An activity, or anything else that is found by an id.
    Activity,
    /// A campaign that is known by its id alone.
    Campaign,
    /// A campaign that was listed, so that its own fields are there.
    ListedCampaign,
    /// A page of so many campaigns.
    CampaignPage(usize),
    /// A place on such a page.
    CampaignEdge,
    /// A send of the log, which knows its campaign, or a page of them.
    Logged,
    /// What comes with its object.
    Part,
}

/// What one object is asked.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a need of its own")]
pub(super) struct Asked {
    /// The values of its answer.
    pub(super) values: usize,
    /// Whether its own history is needed.
    pub(super) needs_history: bool,
    /// Other ages of its history that are asked for.
    pub(super) ages: usize,
    /// Whether what it is has to be read.
    pub(super) needs_itself: bool,
    /// Calls for whatever else belongs to it.
    pub(super) others: usize,
    /// Activities and campaigns whose statistics are needed, which come in batches.
    pub(super) activity_stats: usize,
    pub(super) campaign_stats: usize,
    /// What is read once, however often it is needed.
    pub(super) needs_lists: bool,
    pub(super) needs_segments: bool,
    pub(super) needs_account: bool,
}

impl Asked {
    /// The calls that it costs besides its history, and what comes in batches or once.
    pub(super) fn calls(&self) -> usize {
        self.others.saturating_add(usize::from(self.needs_itself))
    }

    /// Both together, of the same object.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            values: self.values.saturating_add(other.values),
            needs_history: self.needs_history || other.needs_history,
            ages: self.ages.saturating_add(other.ages),
            needs_itself: self.needs_itself || other.needs_itself,
            others: self.others.saturating_add(other.others),
            activity_stats: self.activity_stats.saturating_add(other.activity_stats),
            campaign_stats: self.campaign_stats.saturating_add(other.campaign_stats),
            needs_lists: self.needs_lists || other.needs_lists,
            needs_segments: self.needs_segments || other.needs_segments,
            needs_account: self.needs_account || other.needs_account,
        }
    }

    /// What it costs an object to have so many of these, of which `sent` can have a history.
    pub(super) fn times(self, count: usize, sent: usize) -> Self {
        let histories = usize::from(self.needs_history)
            .saturating_add(self.ages)
            .saturating_mul(sent);
        Self {
            values: self.values.saturating_mul(count).saturating_add(1),
            needs_history: false,
            ages: 0,
            needs_itself: false,
            others: self.calls().saturating_mul(count).saturating_add(histories),
            activity_stats: self.activity_stats.saturating_mul(sent),
            campaign_stats: self.campaign_stats.saturating_mul(count),
            ..self
        }
    }
}

/// Reads off a document what its objects are asked.
#[derive(Clone, Copy)]
pub(super) struct Reader<'d> {
    pub(super) document: &'d ExecutableDocument,
    pub(super) variables: &'d Variables,
}

impl Reader<'_> {
    /// What an object is asked by these selections.
    pub(super) fn asked(self, set: &SelectionSet, kind: Kind) -> Asked {
        let mut total = Asked::default();
        for selection in &set.items {
            let below = match &selection.node {
                Selection::Field(field) => self.asked_by(&field.node, kind),
                Selection::InlineFragment(fragment) => self.asked(&fragment.node.selection_set.node, kind),
                Selection::FragmentSpread(spread) => self
                    .document
                    .fragments
                    .get(&spread.node.fragment_name.node)
                    .map_or_else(Asked::default, |fragment| {
                        self.asked(&fragment.node.selection_set.node, kind)
                    }),
            };
            total = total.and(below);
        }
        total
    }

    /// What a page of campaigns is asked, its own call included.
    pub(super) fn campaign_page(self, field: &Field) -> Asked {
        let first = self
            .length(field)
            .map_or(USUAL_PAGE, |first| first.min(GREATEST_PAGE));
        let mut asked = self.asked(&field.selection_set.node, Kind::CampaignPage(first));
        asked.needs_itself = true;
        asked
    }

    fn asked_by(self, field: &Field, kind: Kind) -> Asked {
        let name = field.name.node.as_str();
        let set = &field.selection_set.node;
        let mut asked = match (kind, name) {
            (_, "id" | "__typename" | "campaignId" | "listId" | "segmentId") => Asked::default(),
            (Kind::CampaignPage(count), "edges") => {
                return self.asked(set, Kind::CampaignEdge).times(count, count);
            }
            (Kind::CampaignPage(count), "nodes") => {
                return self.asked(set, Kind::ListedCampaign).times(count, count);
            }
            (Kind::CampaignEdge, "node") | (Kind::Logged, "campaign") => {
                self.asked(set, Kind::ListedCampaign)
            }
            (Kind::Activity | Kind::Part, "campaign") => Asked {
                needs_itself: true,
                ..self.asked(set, Kind::Campaign).times(1, 1)
            },
            (Kind::Activity, "scheduledFor") => Asked {
                others: 1,
                ..Asked::default()
            },
            // The object may be a campaign where it was found by its id.
            (Kind::Activity | Kind::Campaign | Kind::ListedCampaign, "activities") => Asked {
                needs_itself: true,
                ..self
                    .asked(set, Kind::Activity)
                    .times(ASSUMED_ACTIVITIES, ASSUMED_SENT_ACTIVITIES)
            },
            (Kind::Activity, "stats") => Asked {
                activity_stats: 1,
                ..self.asked(set, Kind::Part)
            },
            (Kind::Campaign | Kind::ListedCampaign, "stats") => Asked {
                campaign_stats: 1,
                ..self.asked(set, Kind::Part)
            },
            (Kind::Activity, _) if ITS_OWN.contains(&name) => Asked {
                needs_itself: true,
                ..self.asked(set, Kind::Part)
            },
            (Kind::Activity, _) => return self.asked_of_history(field),
            (Kind::Campaign, _) => Asked {
                needs_itself: true,
                ..self.asked(set, Kind::Part)
            },
            (Kind::Logged, "edges" | "nodes" | "node") => self.asked(set, Kind::Logged),
            // Of a send: in a history it is the same for all of them, and what is needed of it is needed once.
            (Kind::Part | Kind::Logged, "activity") => self.asked(set, Kind::Activity),
            (_, "contactLists" | "segments") => {
                let below = self.asked(set, Kind::Activity);
                let needs_names = below.needs_itself || below.needs_history;
                Asked {
                    values: below.values,
                    needs_lists: needs_names && name == "contactLists",
                    needs_segments: needs_names && name == "segments",
                    needs_account: below.needs_account,
                    ..Asked::default()
                }
            }
            _ => self.asked(set, Kind::Part),
        };
        asked.values = asked.values.saturating_add(1);
        asked.needs_account |= self.is_zoned(field);
        asked
    }

    /// Everything of an activity that is not known to come from elsewhere comes from its history.
    fn asked_of_history(self, field: &Field) -> Asked {
        let below = self.asked(&field.selection_set.node, Kind::Part);
        let is_list = ["sendHistory", "sendHistoryConnection"].contains(&field.name.node.as_str());
        let items = if is_list {
            self.length(field)
                .map_or(ASSUMED_SENDS, |wanted| wanted.min(ASSUMED_SENDS))
        } else {
            1
        };
        Asked {
            values: below.values.saturating_mul(items).saturating_add(1),
            needs_history: true,
            ages: usize::from(is_list && self.number(field, "maxAge").is_some()),
            needs_account: below.needs_account || self.is_zoned(field),
            ..below
        }
    }

    /// Whether a date is to be shown in the account's zone, which has to be read.
    fn is_zoned(self, field: &Field) -> bool {
        match field.get_argument("zone").map(|zone| &zone.node) {
            Some(Literal::Enum(zone)) => zone.as_str() == ACCOUNT,
            Some(Literal::Variable(name)) => match self.variables.get(name) {
                Some(Value::String(zone)) => zone == ACCOUNT,
                Some(Value::Enum(zone)) => zone.as_str() == ACCOUNT,
                _ => false,
            },
            _ => false,
        }
    }

    /// How many items a list is asked for.
    pub(super) fn length(self, field: &Field) -> Option<usize> {
        let length = self.number(field, "first").or_else(|| self.number(field, "last"));
        length.map(|length| usize::try_from(length).unwrap_or(0))
    }

    pub(super) fn number(self, field: &Field, argument: &str) -> Option<i64> {
        match &field.get_argument(argument)?.node {
            Literal::Number(number) => number.as_i64(),
            Literal::Variable(name) => match self.variables.get(name) {
                Some(Value::Number(number)) => number.as_i64(),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The zone that has to be read.
const ACCOUNT: &str = "ACCOUNT";

/// The fields of an activity, or of whatever else is found by an id, that say what it is.
const ITS_OWN: [&str; 20] = [
    "role",
    "roleRaw",
    "status",
    "statusRaw",
    "subject",
    "preheader",
    "fromName",
    "fromEmail",
    "replyToEmail",
    "name",
    "type",
    "typeCode",
    "description",
    "isFavorite",
    "isDeleted",
    "createdAt",
    "updatedAt",
    "deletedAt",
    "editedAt",
    "lastRefreshTime",
];
