//! Why a body could not be decoded.

/// A body is not what it should be. The texts are those of Cortex's decoders; all are answered with status 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not the snappy block format, or damaged.
    #[error("snappy: corrupt input")]
    SnappyCorrupt,
    /// The body, or what it unpacks to, is larger than allowed.
    #[error("received message larger than max ({size} vs {max})")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// More series, histograms or exemplars than the message's size explains: they are empty, and there are millions.
    /// Cortex would take them as long as it has memory.
    #[error("message has too many empty elements")]
    TooManyElements,
    /// The message ends within a field.
    #[error("unexpected EOF")]
    UnexpectedEof,
    /// A varint has more than ten bytes.
    #[error("proto: integer overflow")]
    IntegerOverflow,
    /// A length does not fit in a signed 64-bit integer.
    #[error("proto: negative length found during unmarshaling")]
    NegativeLength,
    /// The end of a group that was not begun.
    #[error("proto: {message}: wiretype end group for non-group")]
    EndGroup {
        /// Name of the message.
        message: &'static str,
    },
    /// A field number that cannot be.
    #[error("proto: {message}: illegal tag {field} (wire type {wire})")]
    IllegalTag {
        /// Name of the message.
        message: &'static str,
        /// Field number as a signed number.
        field: i32,
        /// The whole tag.
        wire: u64,
    },
    /// A wire type that does not exist.
    #[error("proto: illegal wireType {0}")]
    IllegalWireType(u8),
    /// A known field in a form that it cannot have.
    #[error("proto: wrong wireType = {wire_type} for field {field}")]
    WrongWireType {
        /// The wire type found.
        wire_type: u8,
        /// Name of the field.
        field: &'static str,
    },
    /// Remote write 2.0: an odd number of label references.
    #[error("invalid labelRefs length {0}")]
    OddLabelRefs(usize),
    /// Remote write 2.0: a label reference outside of the symbol table.
    #[error("labelRefs {name} (name) = {value} (value) outside of symbols table (size {size})")]
    LabelRefOutside {
        /// Reference of the name.
        name: u32,
        /// Reference of the value.
        value: u32,
        /// Number of symbols.
        size: usize,
    },
    /// Remote write 2.0: a series has neither sample nor histogram.
    #[error("TimeSeries must contain at least one sample or histogram for series {0}")]
    NoSamples(String),
    /// Remote write 2.0: the unit's reference is outside of the symbol table.
    #[error("invalid UnitRef {reference}: exceeds symbols length {size}")]
    UnitRefOutside {
        /// The reference.
        reference: u32,
        /// Number of symbols.
        size: usize,
    },
    /// Remote write 2.0: the help's reference is outside of the symbol table.
    #[error("invalid HelpRef {reference}: exceeds symbols length {size}")]
    HelpRefOutside {
        /// The reference.
        reference: u32,
        /// Number of symbols.
        size: usize,
    },
    /// Remote write 2.0: metadata of a series without a name.
    #[error("no metric name label")]
    NoMetricName,
}
