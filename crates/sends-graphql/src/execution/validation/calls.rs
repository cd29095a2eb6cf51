//! Estimates the values of an operation's response, and its upstream calls if no data is stored.
//!
//! Root fields name activities. An activity's history costs one call per distinct `maxAge`, regardless of the number of fields
//! that name it. `object_cost.rs` defines the cost of other objects.

mod introspection;
mod object_cost;

use std::collections::HashSet;

use async_graphql::Value;
use sends_client::Batched;
use sends_core::{ActivityId, CampaignId};

use self::object_cost::{ObjectCost, integer, length};
use super::{
    limits::Limits,
    rejected::{Limit, Rejected},
    types::Types,
};
use crate::{
    bulkheads::answers::{self, Estimate},
    execution::plan::{Field, is_introspection},
};

/// Number of calls for the names of the account's contact lists, and again for those of its segments: two pages, or one page and
/// the deleted segments. Calls for further pages are counted during execution against the
/// [allowance](sends_client::Caller::with_allowance).
const CALLS_FOR_NAMES: usize = 2;

/// Root fields that read the log, with their default number of items. Reading the log needs no call, but each item can refer to
/// an activity.
const LISTING: [(&str, usize); 2] = [("sends", 50), ("sendTotals", 100)];

/// Maximum number of root fields that read the log, since each can scan the whole account. A page of charts needs only a few.
const LOG_READS: usize = 20;

/// Root fields that name activities, with the name of the argument.
const NAMING: [(&str, &str); 5] = [
    ("campaignActivity", "id"),
    ("campaignActivities", "ids"),
    ("node", "id"),
    ("nodes", "ids"),
    ("_entities", "representations"),
];

/// Id prefixes, up to a colon, of objects that have no history.
const TYPES: [&str; 3] = ["Campaign", "ContactList", "Segment"];

pub(super) fn check(root: &[Field], types: &Types, limits: &Limits) -> Result<Estimate, Rejected> {
    let mut cost = OperationCost::default();
    let mut of_schema = 0_usize;
    for field in root {
        if is_introspection(&field.name) {
            let left = limits.answer_values.saturating_sub(cost.values);
            let (values, names) = introspection::values(field, types, left);
            // Names are counted twice, since a name exists as text and as a value.
            cost.texts = cost.texts.saturating_add(names.saturating_mul(2));
            cost.values = cost.values.saturating_add(values);
            of_schema = of_schema.saturating_add(values);
        } else {
            cost.root_field(field);
        }
    }
    let calls = cost.calls();
    Limit::check(None, "reads of the send log", cost.log_reads, LOG_READS)?;
    Limit::check(None, "root fields", root.len(), limits.root_fields)?;
    Limit::check(
        Some("max-upstream-calls"),
        "estimated calls to Constant Contact",
        calls,
        limits.upstream_calls,
    )?;
    Limit::check(
        Some("max-answer-values"),
        "estimated values in the response",
        cost.values,
        limits.answer_values,
    )?;
    Ok(Estimate {
        values: cost.values,
        waits: cost.waits,
        calls,
        of_schema,
        texts: cost.texts,
        path: max_path_bytes(root),
        ..Estimate::default()
    })
}

/// Returns the maximum bytes of long names on a path of the response.
fn max_path_bytes(fields: &[Field]) -> usize {
    let paths = fields.iter().map(|field| {
        let objects = field.below.iter().flat_map(|below| &below.objects);
        let below = objects.map(|object| max_path_bytes(object.fields.as_deref().unwrap_or_default()));
        answers::long_name(&field.key) + below.max().unwrap_or(0)
    });
    paths.max().unwrap_or(0)
}

#[derive(Default)]
struct OperationCost<'p> {
    log_reads: usize,
    /// Activities whose history is read, with the `maxAge` of the field.
    named: HashSet<(&'p str, Option<i64>)>,
    /// Number of calls that are not deduplicated.
    unnamed_calls: usize,
    activity_stats: usize,
    campaign_stats: usize,
    /// Contact lists, segments and account, each read once per operation.
    needs_lists: bool,
    needs_segments: bool,
    needs_account: bool,
    values: usize,
    waits: usize,
    /// Bytes of long names and of arguments.
    texts: usize,
}

impl<'p> OperationCost<'p> {
    fn root_field(&mut self, field: &'p Field) {
        let name = field.name.as_str();
        let mut cost = object_cost::of_root(field);
        if let Some((_, default_length)) = LISTING.iter().find(|(listing, _)| *listing == name) {
            self.log_reads += 1;
            let length = length(field).unwrap_or(*default_length);
            cost = cost.times(length, length);
        }
        let naming = NAMING.iter().find(|(naming, _)| *naming == name);
        let objects = match naming.and_then(|(_, argument)| field.argument(argument)) {
            Some(ids) => self.name(ids, field, cost),
            None => 1,
        };
        let values = cost.values.saturating_add(1).saturating_mul(objects);
        self.values = self.values.saturating_add(values);
        let texts = cost.texts.saturating_mul(objects);
        self.texts = self.texts.saturating_add(texts);
        self.texts = self.texts.saturating_add(answers::long_name(&field.key));
        // A send, or each entity of a list, waits for its lookup.
        let waits = cost.waits.saturating_add(1).saturating_mul(objects);
        self.waits = self.waits.saturating_add(waits);
        let calls = cost.calls().saturating_mul(objects);
        self.unnamed_calls = self.unnamed_calls.saturating_add(calls);
        let stats = |of: usize| of.saturating_mul(objects);
        self.activity_stats = self.activity_stats.saturating_add(stats(cost.activity_stats));
        self.campaign_stats = self.campaign_stats.saturating_add(stats(cost.campaign_stats));
        self.needs_lists |= cost.needs_lists;
        self.needs_segments |= cost.needs_segments;
        self.needs_account |= cost.needs_account;
    }

    fn calls(&self) -> usize {
        let names = usize::from(self.needs_lists) + usize::from(self.needs_segments);
        self.named
            .len()
            .saturating_add(self.unnamed_calls)
            .saturating_add(self.activity_stats.div_ceil(ActivityId::MAX_IDS))
            .saturating_add(self.campaign_stats.div_ceil(CampaignId::MAX_IDS))
            .saturating_add(names * CALLS_FOR_NAMES)
            .saturating_add(usize::from(self.needs_account))
    }

    /// Adds the calls of the objects that an argument names, and returns the number of objects.
    fn name(&mut self, ids: &'p Value, field: &'p Field, cost: ObjectCost) -> usize {
        let age = integer(field, "maxAge");
        let ids = match ids {
            Value::List(ids) => &ids[..],
            one => std::slice::from_ref(one),
        };
        for id in ids {
            let Value::String(id) = id else {
                // The value is the entity representation of a federation gateway.
                if cost.needs_history {
                    self.unnamed_calls = self.unnamed_calls.saturating_add(1 + cost.ages);
                }
                continue;
            };
            // A send's id consists of the activity's id, a colon and a number, and requires the history. An id with a type prefix
            // requires no history.
            let (activity, is_send) = match id.split_once(':') {
                Some((kind, _)) if TYPES.contains(&kind) => continue,
                Some((activity, _)) => (activity, true),
                None => (id.as_str(), false),
            };
            if cost.needs_history || is_send {
                self.named.insert((activity, age));
                self.unnamed_calls = self.unnamed_calls.saturating_add(cost.ages);
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
    fn every_listed_field_exists_in_the_schema() {
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
            let exists = types
                .field("Query", name)
                .or_else(|| subgraph.field("Query", name))
                .is_some();
            assert!(exists, "{name}");
        }
        object_cost::check_tables(&types);
    }
}
