//! A decoded write request.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use neocortex_model::labels::{Labels, LabelsBuilder};
use neocortex_model::rows::{SeriesKey, SeriesRows};
use neocortex_model::sample::{Exemplar, FloatSample, HistogramSample, Metadata};

use crate::error::DecodeError;
use crate::key::KeySecret;
use crate::validate::LabelSteps;
use crate::{push_v1, push_v2};

/// A name and a value as they were sent, in the order in which they were sent. Bytes that are not UTF-8 are shown as
/// U+FFFD: Cortex keeps them as they are, label sets here are text.
pub type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// How many of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Series, with and without samples.
    pub series: u64,
    /// Float samples.
    pub floats: u64,
    /// Native histogram samples, those with custom buckets included.
    pub histograms: u64,
    /// Native histogram samples with custom buckets.
    pub custom_bucket_histograms: u64,
    /// Exemplars.
    pub exemplars: u64,
    /// Metadata.
    pub metadata: u64,
}

/// Positions in one of the batch's vectors; 32 bits, since a body is shorter than 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span32 {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span32 {
    pub(crate) fn new(range: Range<usize>) -> Self {
        Self { start: range.start as u32, end: range.end as u32 }
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) fn len(self) -> usize {
        self.range().len()
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// One series of the request.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) key: SeriesKey,
    /// Where the labels can be read again: see [`LabelStore`].
    pub(crate) source: Span32,
    /// Number of labels as sent.
    pub(crate) label_count: u32,
    pub(crate) floats: Span32,
    pub(crate) histograms: Span32,
    pub(crate) exemplars: Span32,
    /// The accepted labels, if they had to be made.
    pub(crate) labels: Option<Labels>,
}

/// What an exemplar looked like before its labels became a set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExemplarSource {
    pub(crate) source: Span32,
    pub(crate) label_count: u32,
}

/// Where label sets are read from when they are needed.
#[derive(Debug)]
pub(crate) enum LabelStore {
    /// Remote write 1.0: a source is the range of the message in the body.
    Body(Vec<u8>),
    /// Remote write 2.0: a source is a range of references into the symbols.
    Symbols { body: Vec<u8>, symbols: Vec<Span32>, refs: Vec<u32> },
}

impl LabelStore {
    pub(crate) fn pairs(&self, source: Span32, of_exemplar: bool) -> Vec<Pair<'_>> {
        match self {
            Self::Body(body) => push_v1::pairs(&body[..source.end as usize], source.start as usize, of_exemplar),
            Self::Symbols { body, symbols, refs } => push_v2::pairs(body, symbols, &refs[source.range()]),
        }
    }
}

/// A decoded write request. Its memory is a small multiple of the unpacked body's size.
///
/// As [`SeriesRows`] it shows the accepted series that have something to store; before
/// [`WriteBatch::validate`] that is every series of the request.
#[derive(Debug)]
pub struct WriteBatch {
    pub(crate) store: LabelStore,
    pub(crate) rows: Vec<Row>,
    pub(crate) floats: Vec<FloatSample>,
    pub(crate) histograms: Vec<HistogramSample>,
    /// Encoded size of each histogram.
    pub(crate) histogram_bytes: Vec<u32>,
    pub(crate) exemplars: Vec<Exemplar>,
    pub(crate) exemplar_sources: Vec<ExemplarSource>,
    pub(crate) metadata: Vec<Metadata>,
    pub(crate) secret: KeySecret,
    pub(crate) steps: Arc<LabelSteps>,
    pub(crate) received: Counts,
    /// The request comes from a rule's evaluation.
    pub(crate) from_rule: bool,
    /// Bytes that rows, histograms and exemplars may still take.
    memory_left: usize,
}

/// What the elements of any request may take in memory: even the smallest real ones stay far below
/// [`MEMORY_PER_BODY_BYTE`], while empty messages, of two bytes each, would become 100 times as large.
const MEMORY_ALWAYS: usize = 16 << 20;
const MEMORY_PER_BODY_BYTE: usize = 16;

/// Rows that room is made for before they are seen, at most.
const MAX_EXPECTED_ROWS: usize = 8192;

impl WriteBatch {
    /// A batch without rows for a body of some length.
    pub(crate) fn new(secret: &KeySecret, body_len: usize) -> Self {
        Self {
            store: LabelStore::Body(Vec::new()),
            rows: Vec::new(),
            floats: Vec::new(),
            histograms: Vec::new(),
            histogram_bytes: Vec::new(),
            exemplars: Vec::new(),
            exemplar_sources: Vec::new(),
            metadata: Vec::new(),
            secret: secret.clone(),
            steps: Arc::default(),
            received: Counts::default(),
            from_rule: false,
            memory_left: MEMORY_ALWAYS + body_len.saturating_mul(MEMORY_PER_BODY_BYTE),
        }
    }

    fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        self.memory_left = self.memory_left.checked_sub(bytes).ok_or(DecodeError::TooManyElements)?;
        Ok(())
    }

    /// Makes room for so many rows of a sample each. A guess: more can come, and what is beyond some thousands is not
    /// believed.
    pub(crate) fn expect_rows(&mut self, more: usize) {
        let more = more.min(MAX_EXPECTED_ROWS);
        self.rows.reserve_exact(more);
        self.floats.reserve_exact(more);
    }

    pub(crate) fn push_row(&mut self, row: Row) -> Result<(), DecodeError> {
        self.charge(size_of::<Row>())?;
        self.rows.push(row);
        Ok(())
    }

    /// Adds a histogram that was encoded in so many bytes.
    pub(crate) fn push_histogram(&mut self, histogram: HistogramSample, encoded: usize) -> Result<(), DecodeError> {
        self.charge(size_of::<HistogramSample>())?;
        self.histogram_bytes.push(encoded as u32);
        self.histograms.push(histogram);
        Ok(())
    }

    pub(crate) fn push_exemplar(&mut self, exemplar: Exemplar, source: ExemplarSource) -> Result<(), DecodeError> {
        self.charge(size_of::<Exemplar>() + size_of::<ExemplarSource>())?;
        self.exemplars.push(exemplar);
        self.exemplar_sources.push(source);
        Ok(())
    }

    pub(crate) fn push_metadata(&mut self, metadata: Metadata) -> Result<(), DecodeError> {
        self.charge(size_of::<Metadata>() + metadata.metric.len() + metadata.help.len() + metadata.unit.len())?;
        self.metadata.push(metadata);
        Ok(())
    }

    /// What was received, before any check.
    #[must_use]
    pub fn received(&self) -> Counts {
        self.received
    }

    /// True when the sender says that the samples come from a rule.
    #[must_use]
    pub fn is_from_rule(&self) -> bool {
        self.from_rule
    }

    /// The accepted metadata; before [`WriteBatch::validate`], all.
    #[must_use]
    pub fn metadata(&self) -> &[Metadata] {
        &self.metadata
    }

    /// Values of two labels of the first series as sent: what the HA tracker decides by. A missing label is empty;
    /// of a repeated one the last counts. `None` when there is no series.
    #[must_use]
    pub fn first_series_labels(&self, cluster: &str, replica: &str) -> Option<(String, String)> {
        self.rows.first().map(|row| self.ha_labels(row, cluster, replica))
    }

    pub(crate) fn ha_labels(&self, row: &Row, cluster: &str, replica: &str) -> (String, String) {
        let mut found = (String::new(), String::new());
        for (name, value) in self.store.pairs(row.source, false) {
            if name == replica {
                found.1 = value.clone().into_owned();
            }
            if name == cluster {
                found.0 = value.into_owned();
            }
        }
        found
    }

    /// Drops every series that has native histograms, with all it has: what Cortex does when a tenant sends too many
    /// of them.
    pub fn drop_histogram_series(&mut self) {
        self.rows.retain(|row| row.histograms.is_empty());
    }
}

impl SeriesRows for WriteBatch {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> SeriesKey {
        self.rows[row].key
    }

    fn labels(&self, row: usize) -> Labels {
        let row = &self.rows[row];
        if let Some(labels) = &row.labels {
            return labels.clone();
        }
        let mut pairs = self.store.pairs(row.source, false);
        self.steps.apply(&mut pairs);
        let mut builder = LabelsBuilder::new();
        for (name, value) in &pairs {
            builder.set(name, value);
        }
        builder.finish()
    }

    fn floats(&self, row: usize) -> &[FloatSample] {
        &self.floats[self.rows[row].floats.range()]
    }

    fn histograms(&self, row: usize) -> &[HistogramSample] {
        &self.histograms[self.rows[row].histograms.range()]
    }

    fn exemplars(&self, row: usize) -> &[Exemplar] {
        &self.exemplars[self.rows[row].exemplars.range()]
    }
}
