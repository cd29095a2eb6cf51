//! What an operation may cost: the upstream calls when nothing is known yet, and the values of its answer.
//!
//! Both follow from the fields of the query itself, since those name the activities. The history of each costs one call,
//! however often it is named; a question for another age of it can cost another. What else an object costs is `asked.rs`'s to
//! know.

mod asked;

use std::collections::HashSet;

use async_graphql::{
    Value, Variables,
    parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::Value as Literal;
use sends_client::Batched;
use sends_core::{ActivityId, CampaignId};

use self::asked::{Asked, Kind, Reader};
use super::{
    limits::Limits,
    refused::{Limit, Refused},
};

/// The calls for the contact lists and for the segments of an account, which are read once: two pages each, or what was
/// deleted of the segments. What an account needs beyond that shows only while the operation runs, and then its own
/// [allowance](sends_client::Caller::with_allowance) is the bound.
const CALLS_FOR_NAMES: usize = 2;

/// The fields of the query that read the log, each with how many items it has when nobody says. The log costs nothing, but
/// what it lists can lead to activities: as many as it has items.
const LISTING: [(&str, usize); 2] = [("sends", 50), ("sendTotals", 100)];

/// How often one operation may read the log: each reading can walk over the whole account. A page of charts takes a handful,
/// and who wants more asks again.
const LOG_READS: usize = 20;

/// The fields of the query that name activities, each with its argument.
const NAMING: [(&str, &str); 5] = [
    ("campaignActivity", "id"),
    ("campaignActivities", "ids"),
    ("node", "id"),
    ("nodes", "ids"),
    ("_entities", "representations"),
];

/// What stands before the colon in the ids of objects that have no history.
const TYPES: [&str; 3] = ["Campaign", "ContactList", "Segment"];

/// Refuses an operation that may cost too much. The document's measure has been checked, so that walking the whole of it
/// is cheap.
pub(super) fn check(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    limits: &Limits,
) -> Result<(), Refused> {
    let mut bill = Bill {
        reader: Reader { document, variables },
        root_fields: 0,
        log_reads: 0,
        named: HashSet::new(),
        unnamed_calls: 0,
        activity_stats: 0,
        campaign_stats: 0,
        needs_lists: false,
        needs_segments: false,
        needs_account: false,
        values: 0,
    };
    bill.root(&operation.selection_set.node);
    let calls = bill.calls();
    let bounds = [
        (
            "max-root-fields",
            "fields of the query itself",
            bill.root_fields,
            limits.root_fields,
        ),
        (
            "max-upstream-calls",
            "calls to Constant Contact to make",
            calls,
            limits.upstream_calls,
        ),
        (
            "max-answer-values",
            "values to be answered, by estimate,",
            bill.values,
            limits.answer_values,
        ),
    ];
    let log = Limit {
        option: None,
        counted: "readings of the send log",
        found: bill.log_reads,
        allowed: LOG_READS,
    };
    log.check()?;
    bounds
        .into_iter()
        .try_for_each(|(option, counted, found, allowed)| {
            let limit = Limit {
                option: Some(option),
                counted,
                found,
                allowed,
            };
            limit.check()
        })
}

struct Bill<'d> {
    reader: Reader<'d>,
    root_fields: usize,
    /// Fields of the query that read the log.
    log_reads: usize,
    /// The activities whose history is needed, each with the age that its field asks for.
    named: HashSet<(&'d str, Option<i64>)>,
    /// Calls that are not compared with each other.
    unnamed_calls: usize,
    /// How many activities and campaigns are asked for their statistics.
    activity_stats: usize,
    campaign_stats: usize,
    /// What is read once.
    needs_lists: bool,
    needs_segments: bool,
    needs_account: bool,
    values: usize,
}

impl<'d> Bill<'d> {
    fn root(&mut self, set: &'d SelectionSet) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => self.root_field(&field.node),
                Selection::InlineFragment(fragment) => self.root(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self
                        .reader
                        .document
                        .fragments
                        .get(&spread.node.fragment_name.node)
                    {
                        self.root(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }

    fn root_field(&mut self, field: &'d Field) {
        self.root_fields += 1;
        let set = &field.selection_set.node;
        let name = field.name.node.as_str();
        let asked = match name {
            "campaigns" => self.reader.campaign_page(field),
            "campaign" => self.reader.asked(set, Kind::Campaign),
            "account" => Asked {
                needs_account: true,
                ..Asked::default()
            }
            .and(self.reader.asked(set, Kind::Part)),
            _ if NAMING.iter().any(|(naming, _)| *naming == name) => self.reader.asked(set, Kind::Activity),
            _ => match LISTING.iter().find(|(listing, _)| *listing == name) {
                Some((_, usual)) => {
                    self.log_reads += 1;
                    let length = self.reader.length(field).unwrap_or(*usual);
                    self.reader.asked(set, Kind::Logged).times(length, length)
                }
                None => self.reader.asked(set, Kind::Part),
            },
        };
        let naming = NAMING.iter().find(|(naming, _)| *naming == name);
        let objects = match naming.and_then(|(_, argument)| field.get_argument(argument)) {
            Some(ids) => self.name(&ids.node, field, asked),
            None => 1,
        };
        let values = asked.values.saturating_add(1).saturating_mul(objects);
        self.values = self.values.saturating_add(values);
        let calls = asked.calls().saturating_mul(objects);
        self.unnamed_calls = self.unnamed_calls.saturating_add(calls);
        let stats = |of: usize| of.saturating_mul(objects);
        self.activity_stats = self.activity_stats.saturating_add(stats(asked.activity_stats));
        self.campaign_stats = self.campaign_stats.saturating_add(stats(asked.campaign_stats));
        self.needs_lists |= asked.needs_lists;
        self.needs_segments |= asked.needs_segments;
        self.needs_account |= asked.needs_account;
    }

    fn calls(&self) -> usize {
        let names = usize::from(self.needs_lists) + usize::from(self.needs_segments);
        self.named
            .len()
            .saturating_add(self.unnamed_calls)
            .saturating_add(self.activity_stats.div_ceil(ActivityId::MOST))
            .saturating_add(self.campaign_stats.div_ceil(CampaignId::MOST))
            .saturating_add(names * CALLS_FOR_NAMES)
            .saturating_add(usize::from(self.needs_account))
    }

    /// How many activities an argument names. Those that need a call are put on the bill.
    fn name(&mut self, ids: &'d Literal, field: &'d Field, asked: Asked) -> usize {
        let age = self.reader.number(field, "maxAge");
        let mut note = |id: Option<&'d str>| {
            // The id of a send is its activity's, a colon and a number; a send has to be looked up in the history. What has
            // a type before the colon has none.
            let (id, is_send) = match id.and_then(|id| id.split_once(':')) {
                Some((kind, _)) if TYPES.contains(&kind) => return,
                Some((activity, _)) => (Some(activity), true),
                None => (id, false),
            };
            if !asked.needs_history && !is_send {
                return;
            }
            match id {
                Some(id) => {
                    self.named.insert((id, age));
                }
                None => self.unnamed_calls += 1,
            }
            self.unnamed_calls = self.unnamed_calls.saturating_add(asked.ages);
        };
        let variables = self.reader.variables;
        let text = |value: &'d Value| match value {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        };
        match ids {
            Literal::List(items) => {
                for item in items {
                    note(match item {
                        Literal::String(text) => Some(text),
                        Literal::Variable(name) => variables.get(name).and_then(text),
                        _ => None,
                    });
                }
                items.len()
            }
            Literal::Variable(name) => match variables.get(name) {
                Some(Value::List(items)) => {
                    for item in items {
                        note(text(item));
                    }
                    items.len()
                }
                Some(one) => {
                    note(text(one));
                    1
                }
                None => 1,
            },
            Literal::String(one) => {
                note(Some(one));
                1
            }
            _ => {
                note(None);
                1
            }
        }
    }
}
