//! Limits of one operation, and their defaults.

use clap::Args;

use crate::option_values::{bytes, number};

#[derive(Args, Clone, Debug, Eq, PartialEq)]
#[command(next_help_heading = "Limits of one operation")]
pub struct Limits {
    /// Maximum number of upstream calls of one operation
    ///
    /// The service estimates the number before the execution, and counts the calls during the execution.
    #[arg(long = "max-upstream-calls", env = "SENDS_MAX_UPSTREAM_CALLS", value_name = "COUNT",
          default_value_t = DEFAULT.upstream_calls, value_parser = number::<usize>(0..=MAX_LIMIT))]
    pub upstream_calls: usize,
    /// Maximum number of values in the response
    ///
    /// The service estimates the number, and assumes ten sends for each history.
    #[arg(long = "max-answer-values", env = "SENDS_MAX_ANSWER_VALUES", value_name = "COUNT",
          default_value_t = DEFAULT.answer_values, value_parser = number::<usize>(0..=MAX_LIMIT))]
    pub answer_values: usize,
    /// Maximum size of the query text
    #[arg(long = "max-query-length", env = "SENDS_MAX_QUERY_LENGTH", value_name = "BYTES",
          default_value_t = DEFAULT.query_length, value_parser = bytes::<usize>(0..=MAX_LIMIT))]
    pub query_length: usize,
    /// Maximum nesting of fields, with fragments expanded
    ///
    /// GraphiQL's introspection query has a depth of 15.
    #[arg(long = "max-query-depth", env = "SENDS_MAX_QUERY_DEPTH", value_name = "COUNT",
          default_value_t = DEFAULT.depth, value_parser = number::<usize>(0..=MAX_LIMIT))]
    pub depth: usize,
    /// Maximum number of fields, with fragments expanded
    #[arg(long = "max-query-fields", env = "SENDS_MAX_QUERY_FIELDS", value_name = "COUNT",
          default_value_t = DEFAULT.fields, value_parser = number::<usize>(0..=MAX_LIMIT))]
    pub fields: usize,

    // The limits below have no option, since they bound the time for parsing and validation. A client that exceeds a limit, such
    // as 500 ids in a list, can split its operation.
    #[arg(skip = DEFAULT.query_tokens)]
    pub query_tokens: usize,
    #[arg(skip = DEFAULT.root_fields)]
    pub root_fields: usize,
    #[arg(skip = DEFAULT.aliases)]
    pub aliases: usize,
    /// Maximum number of repetitions of a name in an object.
    #[arg(skip = DEFAULT.repeated_fields)]
    pub repeated_fields: usize,
    #[arg(skip = DEFAULT.directives)]
    pub directives: usize,
    /// Maximum number of items in a list of the document or the variables.
    #[arg(skip = DEFAULT.list_length)]
    pub list_length: usize,
    /// Maximum size of all names and strings in the variables, in bytes.
    #[arg(skip = DEFAULT.variables_length)]
    pub variables_length: usize,
    /// Maximum number of values in the variables, including the values in lists and objects.
    #[arg(skip = DEFAULT.variable_values)]
    pub variable_values: usize,
    #[arg(skip = DEFAULT.variable_depth)]
    pub variable_depth: usize,
}

const MAX_LIMIT: u64 = 1_000_000_000;

/// Maximum nesting of braces, brackets, parentheses and fragments. The limit protects the stack and is not configurable.
/// GraphiQL's introspection query needs 16.
pub(super) const NESTING: usize = 64;

/// Defaults, which allow 500 activities with all their fields, as root fields or in a list.
const DEFAULT: Limits = Limits {
    upstream_calls: 500,
    answer_values: 250_000,
    query_length: 100_000,
    depth: 20,
    fields: 5_000,
    query_tokens: 15_000,
    root_fields: 500,
    aliases: 500,
    repeated_fields: 250,
    directives: 100,
    list_length: 500,
    variables_length: 100_000,
    variable_values: 5_000,
    variable_depth: 10,
};

impl Default for Limits {
    fn default() -> Self {
        DEFAULT
    }
}
