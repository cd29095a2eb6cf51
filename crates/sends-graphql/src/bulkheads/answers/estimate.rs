//! Estimated memory of a response.

/// Bytes of one response value under construction, including its name, index entry and text. Measured: 133 bytes per value in a
/// response of 226,000 values.
pub(super) const VALUE: usize = 144;

/// Bytes of one value that waits for data, excluding the upstream calls. async-graphql starts all fields before it resumes the
/// first. Measured for 40 activities with 12 fields: 3.3 kB if all operations share their calls, 3.6 kB if each operation queues
/// its own.
const PENDING_VALUE: usize = 3_600;

/// Bytes of one upstream call in progress, mostly for the request and its connection. Measured with disabled rate limits: 28 kB.
const CALL: usize = 28 << 10;

/// Bytes of one field during execution, for its plan and its lowered form.
pub(super) const FIELD: usize = 512;

/// Number of copies of the arguments during execution: in the plan, in the lowered document and in the resolver. Measured: 2.2
/// copies for 490 ids (100 kB).
const ARGUMENT_COPIES: usize = 3;

/// Bytes of one error excluding its path, mostly for its extensions. Measured: 2.7 kB.
pub(super) const ERROR: usize = 3 << 10;

/// Maximum length of a name, in bytes, that [`VALUE`] includes.
const NAME: usize = 16;

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Estimate {
    /// Number of fields after fragment expansion.
    pub fields: usize,
    pub values: usize,
    /// Number of values that wait for data concurrently.
    pub waits: usize,
    pub calls: usize,
    /// Number of introspection values. Each value exists in three representations during execution.
    pub of_schema: usize,
    /// Length of the document in bytes. The text is retained for error locations.
    pub document: usize,
    /// Bytes of long names in the response, and of the arguments of its objects.
    pub texts: usize,
    /// Bytes of the operation's arguments after variable substitution.
    pub arguments: usize,
    /// Maximum bytes of the names in an error path.
    pub path: usize,
}

/// Returns the number of bytes by which a name exceeds `NAME`.
pub const fn long_name(name: &str) -> usize {
    name.len().saturating_sub(NAME)
}

impl Estimate {
    pub(super) fn bytes(self) -> usize {
        let parts = [
            (self.fields, FIELD),
            (self.values, VALUE),
            (self.waits, PENDING_VALUE),
            (self.calls, CALL),
            (self.of_schema, 2 * VALUE),
            (self.document, 1),
            (self.texts, 1),
            (self.arguments, ARGUMENT_COPIES),
        ];
        let bytes = parts.map(|(count, each)| count.saturating_mul(each));
        bytes.into_iter().fold(0, usize::saturating_add)
    }

    pub(super) fn before_execution(self) -> usize {
        let fields = self.fields.saturating_mul(FIELD);
        fields
            .saturating_add(self.document)
            .saturating_add(self.arguments)
    }
}
