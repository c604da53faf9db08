//! Remote write 2.0: `io.prometheus.write.v2.Request`.
//!
//! Source: the remote-write 2.0 specification and Cortex's conversion to 1.0 (`pkg/util/push`).

use neocortex_model::labels::LabelsBuilder;
use neocortex_model::rows::SeriesKey;
use neocortex_model::sample::{Exemplar, Metadata, MetricType};

use crate::batch::{ExemplarSource, LabelStore, Pair, Row, Span32, WriteBatch};
use crate::error::DecodeError;
use crate::histogram;
use crate::key::KeySecret;
use crate::proto::{BYTES, FIXED64, Reader, VARINT};
use crate::push_v1::read_sample;
use crate::snappy;

/// Decodes a snappy-packed request.
///
/// # Errors
/// Any [`DecodeError`]. `max_size` is a limit of both the body and the unpacked message, in bytes.
pub fn decode(body: &[u8], max_size: usize, secret: &KeySecret) -> Result<WriteBatch, DecodeError> {
    decode_message(snappy::decompress(body, max_size.min(u32::MAX as usize))?, secret)
}

/// Decodes a request that is not packed; it must be shorter than 4 GiB.
///
/// # Errors
/// As [`decode`].
pub fn decode_message(body: Vec<u8>, secret: &KeySecret) -> Result<WriteBatch, DecodeError> {
    if body.len() > u32::MAX as usize {
        return Err(DecodeError::TooLarge { size: body.len(), max: u32::MAX as usize });
    }
    let mut batch = WriteBatch::new(secret, body.len());
    let mut symbols = Vec::new();
    let mut pending = Pending::default();
    let mut request = Reader::new(&body, "WriteRequestV2");
    while let Some(tag) = request.next()? {
        match tag.field {
            4 => {
                tag.expect(BYTES, "Symbols")?;
                let length = request.bytes()?.len();
                symbols.push(Span32::new(request.at() - length..request.at()));
            }
            5 => {
                tag.expect(BYTES, "Timeseries")?;
                read_series(request.message("TimeSeriesV2")?, &mut batch, &mut pending)?;
            }
            6 => {
                tag.expect(VARINT, "Source")?;
                batch.from_rule = request.varint()? as i32 == 1;
            }
            1000 => {
                tag.expect(VARINT, "SkipLabelNameValidation")?;
                request.varint()?;
            }
            1001 => {
                tag.expect(BYTES, "MessageWithBufRef")?;
                request.bytes()?;
            }
            _ => request.skip(tag)?,
        }
    }
    pending.resolve(&body, &symbols, &mut batch)?;
    batch.count_received();
    batch.store = LabelStore::Symbols { body, symbols, refs: pending.refs };
    Ok(batch)
}

/// What can only be understood with the whole symbol table, which may come after the series.
#[derive(Default)]
struct Pending {
    refs: Vec<u32>,
    /// Label references of the series that is being read.
    labels: Vec<u32>,
    /// For each series, its metadata.
    metadata: Vec<MetadataRefs>,
}

#[derive(Clone, Copy, Default)]
struct MetadataRefs {
    kind: u64,
    help: u32,
    unit: u32,
}

impl Pending {
    /// Checks the references in the order of Cortex's conversion, hashes the labels, makes exemplars and metadata.
    fn resolve(&self, body: &[u8], symbols: &[Span32], batch: &mut WriteBatch) -> Result<(), DecodeError> {
        // A symbol is hashed once; a series hashes the hashes of its symbols.
        let hashes: Vec<u128> = symbols.iter().map(|symbol| batch.secret.hash(&body[symbol.range()])).collect();
        let mut scratch = Vec::new();
        for (row, metadata) in self.metadata.iter().enumerate() {
            let row = &mut batch.rows[row];
            let refs = &self.refs[row.source.range()];
            check_refs(refs, symbols.len())?;
            if row.floats.is_empty() && row.histograms.is_empty() {
                return Err(DecodeError::NoSamples(set_of(&pairs(body, symbols, refs)).to_string()));
            }
            if metadata.unit as usize >= symbols.len() {
                return Err(DecodeError::UnitRefOutside { reference: metadata.unit, size: symbols.len() });
            }
            scratch.clear();
            for &reference in refs {
                scratch.extend_from_slice(&hashes[reference as usize].to_le_bytes());
            }
            row.key = SeriesKey(batch.secret.hash(&scratch));
            let exemplars = row.exemplars.range();
            for exemplar in exemplars {
                let refs = &self.refs[batch.exemplar_sources[exemplar].source.range()];
                check_refs(refs, symbols.len())?;
                batch.exemplars[exemplar].labels = set_of(&pairs(body, symbols, refs));
            }
            if metadata.kind as i32 == 0 && metadata.help == 0 && metadata.unit == 0 {
                continue;
            }
            let bytes = |reference: u32| &body[symbols[reference as usize].range()];
            let name = refs.chunks_exact(2).find(|pair| bytes(pair[0]) == b"__name__").map(|pair| bytes(pair[1]));
            let name = name.filter(|name| !name.is_empty()).ok_or(DecodeError::NoMetricName)?;
            if metadata.help as usize >= symbols.len() {
                return Err(DecodeError::HelpRefOutside { reference: metadata.help, size: symbols.len() });
            }
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            batch.push_metadata(Metadata {
                metric: text(name),
                kind: MetricType::from_number(metadata.kind),
                help: text(bytes(metadata.help)),
                unit: text(bytes(metadata.unit)),
            })?;
        }
        Ok(())
    }
}

fn check_refs(refs: &[u32], size: usize) -> Result<(), DecodeError> {
    if !refs.len().is_multiple_of(2) {
        return Err(DecodeError::OddLabelRefs(refs.len()));
    }
    for pair in refs.chunks_exact(2) {
        if pair[0] as usize >= size || pair[1] as usize >= size {
            return Err(DecodeError::LabelRefOutside { name: pair[0], value: pair[1], size });
        }
    }
    Ok(())
}

fn set_of(pairs: &[Pair<'_>]) -> neocortex_model::labels::Labels {
    let mut builder = LabelsBuilder::new();
    for (name, value) in pairs {
        builder.set(name, value);
    }
    builder.finish()
}

/// One walk over a series; references are gathered, also when they are packed in several pieces.
fn read_series(mut series: Reader<'_>, batch: &mut WriteBatch, pending: &mut Pending) -> Result<(), DecodeError> {
    let floats = batch.floats.len();
    let histograms = batch.histograms.len();
    let exemplars = batch.exemplars.len();
    let mut metadata = MetadataRefs::default();
    // Apart from the references of exemplars, which may come in between.
    let mut labels = std::mem::take(&mut pending.labels);
    labels.clear();
    while let Some(tag) = series.next()? {
        match tag.field {
            1 => series.varints(tag, "LabelsRefs", |v| labels.push(v as u32))?,
            2 => {
                tag.expect(BYTES, "Samples")?;
                let sample = read_sample(series.message("Sample")?)?;
                batch.floats.push(sample);
            }
            3 => {
                tag.expect(BYTES, "Histograms")?;
                let message = series.message("Histogram")?;
                let encoded = series.at() - message.at();
                batch.push_histogram(histogram::read(message)?, encoded)?;
            }
            4 => {
                tag.expect(BYTES, "Exemplars")?;
                read_exemplar(series.message("ExemplarV2")?, batch, pending)?;
            }
            5 => {
                tag.expect(BYTES, "Metadata")?;
                read_metadata(series.message("MetadataV2")?, &mut metadata)?;
            }
            6 => {
                tag.expect(VARINT, "CreatedTimestamp")?;
                series.varint()?;
            }
            _ => series.skip(tag)?,
        }
    }
    let start = pending.refs.len();
    pending.refs.extend_from_slice(&labels);
    pending.metadata.push(metadata);
    let label_count = (labels.len() / 2) as u32;
    pending.labels = labels;
    batch.push_row(Row {
        key: SeriesKey(0),
        source: Span32::new(start..pending.refs.len()),
        label_count,
        floats: Span32::new(floats..batch.floats.len()),
        histograms: Span32::new(histograms..batch.histograms.len()),
        exemplars: Span32::new(exemplars..batch.exemplars.len()),
        labels: None,
    })
}

fn read_exemplar(mut exemplar: Reader<'_>, batch: &mut WriteBatch, pending: &mut Pending) -> Result<(), DecodeError> {
    let (mut v, mut t) = (0.0, 0);
    let start = pending.refs.len();
    while let Some(tag) = exemplar.next()? {
        match tag.field {
            1 => exemplar.varints(tag, "LabelsRefs", |v| pending.refs.push(v as u32))?,
            2 => {
                tag.expect(FIXED64, "Value")?;
                v = exemplar.double()?;
            }
            3 => {
                tag.expect(VARINT, "Timestamp")?;
                t = exemplar.varint()? as i64;
            }
            _ => exemplar.skip(tag)?,
        }
    }
    let source = Span32::new(start..pending.refs.len());
    let source = ExemplarSource { source, label_count: (source.len() / 2) as u32 };
    batch.push_exemplar(Exemplar { labels: Default::default(), v, t }, source)
}

fn read_metadata(mut message: Reader<'_>, out: &mut MetadataRefs) -> Result<(), DecodeError> {
    while let Some(tag) = message.next()? {
        match tag.field {
            1 => {
                tag.expect(VARINT, "Type")?;
                out.kind = message.varint()?;
            }
            3 => {
                tag.expect(VARINT, "HelpRef")?;
                out.help = message.varint()? as u32;
            }
            4 => {
                tag.expect(VARINT, "UnitRef")?;
                out.unit = message.varint()? as u32;
            }
            _ => message.skip(tag)?,
        }
    }
    Ok(())
}

/// Label pairs behind checked references, sorted by name as Cortex's conversion does.
pub(crate) fn pairs<'a>(body: &'a [u8], symbols: &[Span32], refs: &[u32]) -> Vec<Pair<'a>> {
    let text = |reference: u32| String::from_utf8_lossy(&body[symbols[reference as usize].range()]);
    let mut pairs: Vec<_> = refs.chunks_exact(2).map(|pair| (text(pair[0]), text(pair[1]))).collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    pairs
}
