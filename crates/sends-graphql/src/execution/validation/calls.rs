//! What an operation may cost: the upstream calls when nothing is known yet, and the values of its answer.
//!
//! Both follow from the root fields, since those name the activities. The history of each costs one call, however often it is
//! named, and another one with another `maxAge`. What else an object costs is in `object_cost.rs`.

mod introspection;
mod object_cost;

use std::collections::HashSet;

use async_graphql::Value;
use sends_client::Batched;
use sends_core::{ActivityId, CampaignId};

use self::object_cost::{ObjectCost, integer, length};
use super::{
    limits::Limits,
    refused::{Limit, Refused},
    types::Types,
};
use crate::{
    bulkheads::answers::{self, Estimate},
    execution::plan::{Field, is_introspection},
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

/// What an operation is expected to answer.
pub(super) fn check(root: &[Field], types: &Types, limits: &Limits) -> Result<Estimate, Refused> {
    let mut cost = OperationCost::default();
    let mut of_schema = 0_usize;
    for field in root {
        if is_introspection(&field.name) {
            let left = limits.answer_values.saturating_sub(cost.values);
            let (values, names) = introspection::values(field, types, left);
            // As text and as values at a time.
            cost.texts = cost.texts.saturating_add(names.saturating_mul(2));
            cost.values = cost.values.saturating_add(values);
            of_schema = of_schema.saturating_add(values);
        } else {
            cost.root_field(field);
        }
    }
    let calls = cost.calls();
    Limit::check(None, "readings of the send log", cost.log_reads, LOG_READS)?;
    Limit::check(None, "fields of the query itself", root.len(), limits.root_fields)?;
    Limit::check(
        Some("max-upstream-calls"),
        "calls to Constant Contact to make",
        calls,
        limits.upstream_calls,
    )?;
    Limit::check(
        Some("max-answer-values"),
        "values to be answered by estimate",
        cost.values,
        limits.answer_values,
    )?;
    Ok(Estimate {
        values: cost.values,
        waits: cost.waits,
        calls,
        of_schema,
        texts: cost.texts,
        path: longest_path(root),
        ..Estimate::default()
    })
}

/// Bytes of the names in the longest path of the answer.
fn longest_path(fields: &[Field]) -> usize {
    let paths = fields.iter().map(|field| {
        let objects = field.below.iter().flat_map(|below| &below.objects);
        let below = objects.map(|object| longest_path(object.fields.as_deref().unwrap_or_default()));
        answers::long_name(&field.key) + below.max().unwrap_or(0)
    });
    paths.max().unwrap_or(0)
}

#[derive(Default)]
struct OperationCost<'p> {
    /// Fields of the query that read the log.
    log_reads: usize,
    /// The activities whose history is needed, each with the age that its field asks for.
    named: HashSet<(&'p str, Option<i64>)>,
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
    waits: usize,
    /// Bytes of long names and of arguments, of each object.
    texts: usize,
}

impl<'p> OperationCost<'p> {
    fn root_field(&mut self, field: &'p Field) {
        let name = field.name.as_str();
        let mut asked = object_cost::of_root(field);
        if let Some((_, usual)) = LISTING.iter().find(|(listing, _)| *listing == name) {
            self.log_reads += 1;
            let length = length(field).unwrap_or(*usual);
            asked = asked.times(length, length);
        }
        let naming = NAMING.iter().find(|(naming, _)| *naming == name);
        let objects = match naming.and_then(|(_, argument)| field.argument(argument)) {
            Some(ids) => self.name(ids, field, asked),
            None => 1,
        };
        let values = asked.values.saturating_add(1).saturating_mul(objects);
        self.values = self.values.saturating_add(values);
        let texts = asked.texts.saturating_mul(objects);
        self.texts = self.texts.saturating_add(texts);
        self.texts = self.texts.saturating_add(answers::long_name(&field.key));
        // A send or an entity of a list is looked up before anything of it is known.
        let waits = asked.waits.saturating_add(1).saturating_mul(objects);
        self.waits = self.waits.saturating_add(waits);
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

    /// How many objects an argument names. Those that need a call are added to the cost.
    fn name(&mut self, ids: &'p Value, field: &'p Field, asked: ObjectCost) -> usize {
        let age = integer(field, "maxAge");
        let ids = match ids {
            Value::List(ids) => &ids[..],
            one => std::slice::from_ref(one),
        };
        for id in ids {
            let Value::String(id) = id else {
                // A representation, which names an activity in a way of its own.
                if asked.needs_history {
                    self.unnamed_calls = self.unnamed_calls.saturating_add(1 + asked.ages);
                }
                continue;
            };
            // The id of a send is its activity's, a colon and a number; a send has to be looked up in the history. What has
            // a type before the colon has none.
            let (activity, is_send) = match id.split_once(':') {
                Some((kind, _)) if TYPES.contains(&kind) => continue,
                Some((activity, _)) => (activity, true),
                None => (id.as_str(), false),
            };
            if asked.needs_history || is_send {
                self.named.insert((activity, age));
                self.unnamed_calls = self.unnamed_calls.saturating_add(asked.ages);
            }
        }
        ids.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{execution::validation::Types, schema};

    #[test]
    fn every_listed_field_is_one_of_the_schema() {
        let types = Types::of(&schema::sdl());
        let subgraph = Types::of(
            &schema::Schema::new(
                true,
                sends_client::Pacer::in_memory(sends_client::pacing::Limits::NONE),
            )
            .sdl(),
        );
        let naming = NAMING.iter().map(|(name, _)| *name);
        for name in naming.chain(LISTING.iter().map(|(name, _)| *name)) {
            let is_known = types
                .field("Query", name)
                .or_else(|| subgraph.field("Query", name))
                .is_some();
            assert!(is_known, "{name}");
        }
        object_cost::check_tables(&types);
    }
}
