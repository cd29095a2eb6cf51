//! The options for the bounds of one operation, and what they mean.

use clap::Args;

use super::{
    Problem,
    value::{Problems, number},
};
use crate::guard::Limits;

/// How much one operation may be and ask for.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits of one operation")]
pub struct LimitOptions {
    /// How many bytes a query may have
    #[arg(
        long,
        env = "SENDS_MAX_QUERY_LENGTH",
        value_name = "BYTES",
        default_value = "100000"
    )]
    pub max_query_length: String,
    /// How many tokens a query may have
    #[arg(
        long,
        env = "SENDS_MAX_QUERY_TOKENS",
        value_name = "COUNT",
        default_value = "15000"
    )]
    pub max_query_tokens: String,
    /// How deep fields may stand in each other; GraphiQL's introspection needs 15
    #[arg(
        long,
        env = "SENDS_MAX_QUERY_DEPTH",
        value_name = "COUNT",
        default_value = "20"
    )]
    pub max_query_depth: String,
    /// How many fields an operation may have, with every fragment in its place
    #[arg(
        long,
        env = "SENDS_MAX_QUERY_FIELDS",
        value_name = "COUNT",
        default_value = "5000"
    )]
    pub max_query_fields: String,
    /// How many fields the query itself may have
    #[arg(
        long,
        env = "SENDS_MAX_ROOT_FIELDS",
        value_name = "COUNT",
        default_value = "500"
    )]
    pub max_root_fields: String,
    /// How many fields may be asked for under another name
    #[arg(long, env = "SENDS_MAX_ALIASES", value_name = "COUNT", default_value = "500")]
    pub max_aliases: String,
    /// How often fields may be asked for again under a name that their object already has
    #[arg(
        long,
        env = "SENDS_MAX_REPEATED_FIELDS",
        value_name = "COUNT",
        default_value = "250"
    )]
    pub max_repeated_fields: String,
    /// How many directives an operation may have
    #[arg(
        long,
        env = "SENDS_MAX_DIRECTIVES",
        value_name = "COUNT",
        default_value = "100"
    )]
    pub max_directives: String,
    /// How many items a list in the query or its variables may have
    #[arg(
        long,
        env = "SENDS_MAX_LIST_LENGTH",
        value_name = "COUNT",
        default_value = "500"
    )]
    pub max_list_length: String,
    /// How many bytes the names and texts in the variables may have
    #[arg(
        long,
        env = "SENDS_MAX_VARIABLES_LENGTH",
        value_name = "BYTES",
        default_value = "100000"
    )]
    pub max_variables_length: String,
    /// How many values the variables may have, those in lists and objects included
    #[arg(
        long,
        env = "SENDS_MAX_VARIABLE_VALUES",
        value_name = "COUNT",
        default_value = "5000"
    )]
    pub max_variable_values: String,
    /// How deep values may stand in each other in a variable
    #[arg(
        long,
        env = "SENDS_MAX_VARIABLE_DEPTH",
        value_name = "COUNT",
        default_value = "10"
    )]
    pub max_variable_depth: String,
    /// How many upstream calls one operation may cost: by estimate when nothing is known yet, and when they are made
    #[arg(
        long,
        env = "SENDS_MAX_UPSTREAM_CALLS",
        value_name = "COUNT",
        default_value = "500"
    )]
    pub max_upstream_calls: String,
    /// How many values an answer may have, by an estimate that takes every history to have ten sends
    #[arg(
        long,
        env = "SENDS_MAX_ANSWER_VALUES",
        value_name = "COUNT",
        default_value = "250000"
    )]
    pub max_answer_values: String,
}

/// The limits that the options mean.
pub(super) fn check(options: &LimitOptions, problems: &mut Problems) -> Option<Limits> {
    let mut limit = |option, text: &str| problems.keep(check_limit(option, text));
    // Every one is read before any is missed, so that all mistakes are reported.
    let query_length = limit("max-query-length", &options.max_query_length);
    let query_tokens = limit("max-query-tokens", &options.max_query_tokens);
    let depth = limit("max-query-depth", &options.max_query_depth);
    let fields = limit("max-query-fields", &options.max_query_fields);
    let root_fields = limit("max-root-fields", &options.max_root_fields);
    let aliases = limit("max-aliases", &options.max_aliases);
    let repeated_fields = limit("max-repeated-fields", &options.max_repeated_fields);
    let directives = limit("max-directives", &options.max_directives);
    let list_length = limit("max-list-length", &options.max_list_length);
    let variables_length = limit("max-variables-length", &options.max_variables_length);
    let variable_values = limit("max-variable-values", &options.max_variable_values);
    let variable_depth = limit("max-variable-depth", &options.max_variable_depth);
    let upstream_calls = limit("max-upstream-calls", &options.max_upstream_calls);
    let answer_values = limit("max-answer-values", &options.max_answer_values);
    Some(Limits {
        query_length: query_length?,
        query_tokens: query_tokens?,
        depth: depth?,
        fields: fields?,
        root_fields: root_fields?,
        aliases: aliases?,
        repeated_fields: repeated_fields?,
        directives: directives?,
        list_length: list_length?,
        variables_length: variables_length?,
        variable_values: variable_values?,
        variable_depth: variable_depth?,
        upstream_calls: upstream_calls?,
        answer_values: answer_values?,
    })
}

fn check_limit(option: &'static str, text: &str) -> Result<usize, Problem> {
    number(option, text, 1_000_000_000).map(|limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        limits: LimitOptions,
    }

    #[test]
    fn the_defaults_of_the_options_are_the_defaults_of_the_guard() {
        let options = Only::parse_from(["test"]).limits;
        assert_eq!(check(&options, &mut Problems::default()), Some(Limits::default()));
    }
}
