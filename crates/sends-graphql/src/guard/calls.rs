//! What an operation may cost: the upstream calls when nothing is known yet, and the values of its answer.
//!
//! Both follow from the fields of the query itself, since those name the activities. Each activity costs one call, however
//! often it is named, unless nothing but its id is asked for. A question for another age of its history can cost another.
//! The log of all sends names none and costs nothing, but what it lists can lead to activities: as many as it has items.

use std::collections::HashSet;

use async_graphql::{
    Positioned, Value, Variables,
    parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::Value as Literal;

use super::{
    limits::Limits,
    refused::{Limit, Refused},
};

/// How many sends a history is taken to have, for want of knowing it.
const ASSUMED_SENDS: usize = 10;

/// The fields of the query that read the log, each with how many items it has when nobody says.
const LISTING: [(&str, usize); 2] = [("sends", 50), ("sendTotals", 100)];

/// The fields of the query that name activities, each with its argument.
const NAMING: [(&str, &str); 5] = [
    ("campaignActivity", "id"),
    ("campaignActivities", "ids"),
    ("node", "id"),
    ("nodes", "ids"),
    ("_entities", "representations"),
];

/// Refuses an operation that may cost too much. The document's measure has been checked, so that walking the whole of it
/// is cheap.
pub(super) fn check(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    limits: &Limits,
) -> Result<(), Refused> {
    let mut bill = Bill {
        document,
        variables,
        root_fields: 0,
        named: HashSet::new(),
        unnamed_calls: 0,
        values: 0,
    };
    bill.root(&operation.selection_set.node);
    let calls = bill.named.len().saturating_add(bill.unnamed_calls);
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
    document: &'d ExecutableDocument,
    variables: &'d Variables,
    root_fields: usize,
    /// The activities whose history is needed, each with the age that its field asks for.
    named: HashSet<(&'d str, Option<i64>)>,
    /// Calls that are not compared with each other.
    unnamed_calls: usize,
    values: usize,
}

/// What one activity is asked.
#[derive(Clone, Copy, Default)]
struct Asked {
    values: usize,
    needs_history: bool,
    ages: usize,
}

impl<'d> Bill<'d> {
    fn root(&mut self, set: &'d SelectionSet) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => self.root_field(&field.node),
                Selection::InlineFragment(fragment) => self.root(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        self.root(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }

    fn root_field(&mut self, field: &'d Field) {
        self.root_fields += 1;
        let asked = self.asked(&field.selection_set.node);
        if let Some((_, usual)) = LISTING.iter().find(|(name, _)| *name == field.name.node.as_str()) {
            let length = self.length(field).unwrap_or(*usual);
            self.values = self
                .values
                .saturating_add(asked.values.saturating_mul(length).saturating_add(1));
            let activities = self
                .calls_of_activities(&field.selection_set.node)
                .saturating_mul(length);
            self.unnamed_calls = self.unnamed_calls.saturating_add(activities);
            return;
        }
        let naming = NAMING.iter().find(|(name, _)| *name == field.name.node.as_str());
        let activities = match naming.and_then(|(_, argument)| field.get_argument(argument)) {
            Some(ids) => self.name(&ids.node, field, asked),
            None => 1,
        };
        let values = asked.values.saturating_add(1).saturating_mul(activities);
        self.values = self.values.saturating_add(values);
    }

    /// How many activities an argument names. Those that need a call are put on the bill.
    fn name(&mut self, ids: &'d Literal, field: &'d Field, asked: Asked) -> usize {
        let age = field
            .get_argument("maxAge")
            .and_then(|age| self.number(&age.node));
        let mut note = |id: Option<&'d str>| {
            // The id of a send is its activity's, a colon and a number; a send has to be looked up in the history.
            let (id, is_send) =
                match id.map(|id| id.split_once(':').map_or((id, false), |(id, _)| (id, true))) {
                    Some((id, is_send)) => (Some(id), is_send),
                    None => (None, false),
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
        let variables = self.variables;
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

    fn asked(&self, set: &SelectionSet) -> Asked {
        let mut total = Asked::default();
        for selection in &set.items {
            let below = match &selection.node {
                Selection::Field(field) => self.asked_by(&field.node),
                Selection::InlineFragment(fragment) => self.asked(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => self
                    .document
                    .fragments
                    .get(&spread.node.fragment_name.node)
                    .map_or_else(Asked::default, |fragment| {
                        self.asked(&fragment.node.selection_set.node)
                    }),
            };
            total.values = total.values.saturating_add(below.values);
            total.needs_history |= below.needs_history;
            total.ages = total.ages.saturating_add(below.ages);
        }
        total
    }

    fn asked_by(&self, field: &Field) -> Asked {
        let below = self.asked(&field.selection_set.node);
        let is_history = ["sendHistory", "sendHistoryConnection"].contains(&field.name.node.as_str());
        let items = if is_history {
            self.length(field)
                .map_or(ASSUMED_SENDS, |wanted| wanted.min(ASSUMED_SENDS))
        } else {
            1
        };
        Asked {
            values: below.values.saturating_mul(items).saturating_add(1),
            needs_history: below.needs_history || !["id", "__typename"].contains(&field.name.node.as_str()),
            ages: below.ages.saturating_add(usize::from(
                is_history && self.argument(field, "maxAge").is_some(),
            )),
        }
    }

    /// How many calls the activity of one listed send costs, by the fields named `activity` and what they ask for.
    fn calls_of_activities(&self, set: &SelectionSet) -> usize {
        let below = |selection: &Positioned<Selection>| match &selection.node {
            Selection::Field(field) if field.node.name.node.as_str() == "activity" => {
                let asked = self.asked(&field.node.selection_set.node);
                usize::from(asked.needs_history).saturating_add(asked.ages)
            }
            Selection::Field(field) => self.calls_of_activities(&field.node.selection_set.node),
            Selection::InlineFragment(fragment) => {
                self.calls_of_activities(&fragment.node.selection_set.node)
            }
            Selection::FragmentSpread(spread) => self
                .document
                .fragments
                .get(&spread.node.fragment_name.node)
                .map_or(0, |fragment| {
                    self.calls_of_activities(&fragment.node.selection_set.node)
                }),
        };
        set.items.iter().map(below).fold(0, usize::saturating_add)
    }

    /// How many items a list is asked for.
    fn length(&self, field: &Field) -> Option<usize> {
        let length = self
            .argument(field, "first")
            .or_else(|| self.argument(field, "last"));
        length.map(|length| usize::try_from(length).unwrap_or(0))
    }

    fn argument(&self, field: &Field, name: &str) -> Option<i64> {
        field
            .get_argument(name)
            .and_then(|value| self.number(&value.node))
    }

    fn number(&self, value: &Literal) -> Option<i64> {
        match value {
            Literal::Number(number) => number.as_i64(),
            Literal::Variable(name) => match self.variables.get(name) {
                Some(Value::Number(number)) => number.as_i64(),
                _ => None,
            },
            _ => None,
        }
    }
}
