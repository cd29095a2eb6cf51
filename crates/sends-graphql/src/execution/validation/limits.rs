//! The limits of one operation and their defaults.

use clap::Args;

use crate::option_values::{bytes, number};

/// How much one operation may be and ask for.
#[derive(Args, Clone, Debug, Eq, PartialEq)]
#[command(next_help_heading = "Limits of one operation")]
pub struct Limits {
    /// Upstream calls of one operation
    ///
    /// They are estimated before the operation runs, and counted as they are made.
    #[arg(long = "max-upstream-calls", env = "SENDS_MAX_UPSTREAM_CALLS", value_name = "COUNT",
          default_value_t = DEFAULT.upstream_calls, value_parser = number::<usize>(0..=MOST))]
    pub upstream_calls: usize,
    /// Values in the answer
    ///
    /// They are estimated, with ten sends in a history.
    #[arg(long = "max-answer-values", env = "SENDS_MAX_ANSWER_VALUES", value_name = "COUNT",
          default_value_t = DEFAULT.answer_values, value_parser = number::<usize>(0..=MOST))]
    pub answer_values: usize,
    /// Size of the query text
    #[arg(long = "max-query-length", env = "SENDS_MAX_QUERY_LENGTH", value_name = "BYTES",
          default_value_t = DEFAULT.query_length, value_parser = bytes::<usize>(0..=MOST))]
    pub query_length: usize,
    /// Nesting of fields, with every fragment in its place
    ///
    /// GraphiQL's introspection needs 15.
    #[arg(long = "max-query-depth", env = "SENDS_MAX_QUERY_DEPTH", value_name = "COUNT",
          default_value_t = DEFAULT.depth, value_parser = number::<usize>(0..=MOST))]
    pub depth: usize,
    /// Fields, with every fragment in its place
    #[arg(long = "max-query-fields", env = "SENDS_MAX_QUERY_FIELDS", value_name = "COUNT",
          default_value_t = DEFAULT.fields, value_parser = number::<usize>(0..=MOST))]
    pub fields: usize,

    // The others have no option: they bound the time for parsing and validation. A client that reaches one, such as 500 ids in
    // a list, splits its operation.
    /// The tokens of the query text.
    #[arg(skip = DEFAULT.query_tokens)]
    pub query_tokens: usize,
    /// The fields of the query itself, where upstream calls begin.
    #[arg(skip = DEFAULT.root_fields)]
    pub root_fields: usize,
    /// The fields that carry another name than their own.
    #[arg(skip = DEFAULT.aliases)]
    pub aliases: usize,
    /// How often a field is requested under a name that its object already has.
    #[arg(skip = DEFAULT.repeated_fields)]
    pub repeated_fields: usize,
    /// The directives.
    #[arg(skip = DEFAULT.directives)]
    pub directives: usize,
    /// The items of one list, in the text or in the variables.
    #[arg(skip = DEFAULT.list_length)]
    pub list_length: usize,
    /// The bytes of all names and texts in the variables.
    #[arg(skip = DEFAULT.variables_length)]
    pub variables_length: usize,
    /// The values in the variables, those in lists and objects included.
    #[arg(skip = DEFAULT.variable_values)]
    pub variable_values: usize,
    /// The nesting of values in the variables.
    #[arg(skip = DEFAULT.variable_depth)]
    pub variable_depth: usize,
}

/// The highest limit that an option takes.
const MOST: u64 = 1_000_000_000;

/// How deep braces, brackets, parentheses and fragments may stand in each other. Beyond it lies the library's stack and
/// not anybody's purpose, so it has no option: the introspection query of GraphiQL needs 16.
pub(super) const NESTING: usize = 64;

/// Room for 500 activities, one at a time or in a list, with every field they have.
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
