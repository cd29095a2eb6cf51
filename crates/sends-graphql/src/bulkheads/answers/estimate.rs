//! Estimated memory of a response.

/// Memory of one value of a response under construction: the value, its name, its share of an index, and its text. Measured: 133
/// bytes a value for a response of 226,000.
pub(super) const VALUE: usize = 144;

/// Memory of one value that waits for data, besides the upstream calls. The library starts all fields before it continues with
/// the first. Measured for 40 activities with 12 fields: 3.3 kB if all operations wait for the same calls, 3.6 kB if each has its
/// own queued calls.
const PENDING_VALUE: usize = 3_600;

/// Memory of one upstream call in progress, most of it for the request and its connection. Measured without rate limits: 28 kB.
const CALL: usize = 28 << 10;

/// Memory of one field of an operation during execution: its plan and its lowered form.
pub(super) const FIELD: usize = 512;

/// Copies of the arguments of an operation during execution: in the plan, in the lowered document, and in the resolver. Measured:
/// 2.2 for 490 ids of 100 kB.
const ARGUMENT_COPIES: usize = 3;

/// Memory of one error of a response without its path, most of it for its extensions. Measured: 2.7 kB.
pub(super) const ERROR: usize = 3 << 10;

/// Maximum length of a name whose bytes [`VALUE`] includes.
const NAME: usize = 16;

/// Estimated size of an operation and its response.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Estimate {
    /// Fields of the operation, with fragments expanded.
    pub fields: usize,
    /// Values of the response.
    pub values: usize,
    /// Values that wait for data at the same time.
    pub waits: usize,
    /// Upstream calls.
    pub calls: usize,
    /// Values that describe the schema. Each exists in three forms at a time.
    pub of_schema: usize,
    /// Bytes of the document, whose text is needed for the locations of errors.
    pub document: usize,
    /// Bytes of long names in the response, and of the arguments of its objects.
    pub texts: usize,
    /// Bytes of the arguments of the operation, with variables substituted.
    pub arguments: usize,
    /// Bytes of the names in the maximum path of an error.
    pub path: usize,
}

/// Bytes of a name beyond those included in the memory of its value.
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

    /// Memory of the operation before it is executed.
    pub(super) fn before_execution(self) -> usize {
        let fields = self.fields.saturating_mul(FIELD);
        fields
            .saturating_add(self.document)
            .saturating_add(self.arguments)
    }
}
