//! The bounds of one operation and their defaults. How they are written on the command line is for `settings` to know.

/// How much one operation may be and ask for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The bytes of the query text.
    pub query_length: usize,
    /// The tokens of the query text.
    pub query_tokens: usize,
    /// How deep fields stand in each other, with every fragment in its place.
    pub depth: usize,
    /// The fields, with every fragment in its place.
    pub fields: usize,
    /// The fields of the query itself, where upstream calls begin.
    pub root_fields: usize,
    /// The fields that carry another name than their own.
    pub aliases: usize,
    /// How often a field is asked for under a name that its object already has.
    pub repeated_fields: usize,
    /// The directives.
    pub directives: usize,
    /// The items of one list, in the text or in the variables.
    pub list_length: usize,
    /// The bytes of all names and texts in the variables.
    pub variables_length: usize,
    /// The values in the variables, those in lists and objects included.
    pub variable_values: usize,
    /// How deep values stand in each other in the variables.
    pub variable_depth: usize,
    /// The upstream calls that the operation may cost when nothing is known yet.
    pub upstream_calls: usize,
    /// The values of the answer, as far as they can be foreseen.
    pub answer_values: usize,
}

/// How deep braces, brackets, parentheses and fragments may stand in each other. Beyond it lies the library's stack and
/// not anybody's purpose, so it has no option: the introspection query of GraphiQL needs 16.
pub(super) const NESTING: usize = 64;

impl Default for Limits {
    /// Room for 500 activities, one at a time or in a list, with every field they have.
    fn default() -> Self {
        Self {
            query_length: 100_000,
            query_tokens: 15_000,
            depth: 20,
            fields: 5_000,
            root_fields: 500,
            aliases: 500,
            repeated_fields: 250,
            directives: 100,
            list_length: 500,
            variables_length: 100_000,
            variable_values: 5_000,
            variable_depth: 10,
            upstream_calls: 500,
            answer_values: 250_000,
        }
    }
}
