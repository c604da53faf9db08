//! The records of a snapshot, byte by byte.
//!
//! Source: Prometheus `tsdb/head_wal.go` (`encodeToSnapshotRecord`, `encodeTombstonesToSnapshotRecord`). Words are those of
//! [`crate::wal::record`].
//!
//! | type | record | layout after the type |
//! |---|---|---|
//! | 1 | series | ref be64, labels, zero be64, open chunk uvarint 0 or 1, and with one: first and last time be64, encoding byte, length uvarint, chunk, newest value |
//! | 2 | deleted | length uvarint, version 1 byte, { ref uvarint, mint varint, maxt varint }* |
//! | 3 | exemplars | as in the log |
//!
//! The newest value of a chunk of floats is 56 bytes of zeros and the value be64, of a chunk of histograms the histogram as in
//! the log. It is in the chunk as well, so a reader can leave it.

use neocortex_model::labels::Labels;

use crate::chunk::open::Last;
use crate::chunk::{EncodedChunk, Encoding};
use crate::varint::{Cursor, Malformed, put_uvarint, put_varint};
use crate::wal::record::{
    RefExemplar, RefTombstone, decode_exemplar_body, decode_labels, encode_exemplar_body, encode_float_histogram,
    encode_integer_histogram, encode_labels,
};

const SERIES: u8 = 1;
const TOMBSTONES: u8 = 2;
const EXEMPLARS: u8 = 3;

const TOMBSTONES_VERSION: u8 = 1;

/// What stands before the newest value of a chunk of floats: where once the three samples before it were, and its time.
const FORMER_SAMPLES: [u8; 56] = [0; 56];

/// A decoded record.
#[derive(Debug, PartialEq)]
pub enum Record {
    /// A series, its number in the log, and the chunk that was being filled.
    Series(u64, Labels, Option<EncodedChunk>),
    /// What is deleted.
    Tombstones(Vec<RefTombstone>),
    /// Exemplars, in the order in which they came.
    Exemplars(Vec<RefExemplar>),
}

/// The chunk of a series that is being filled.
pub(crate) struct Open<'a> {
    pub(crate) min_t: i64,
    pub(crate) max_t: i64,
    pub(crate) encoding: Encoding,
    pub(crate) bytes: &'a [u8],
    pub(crate) last: Last<'a>,
}

/// The record of a series.
pub(crate) fn encode_series(series: u64, labels: &Labels, open: Option<&Open<'_>>) -> Vec<u8> {
    let mut out = vec![SERIES];
    out.extend_from_slice(&series.to_be_bytes());
    encode_labels(&mut out, labels);
    out.extend_from_slice(&[0; 8]);
    put_uvarint(&mut out, u64::from(open.is_some()));
    let Some(open) = open else { return out };
    out.extend_from_slice(&open.min_t.to_be_bytes());
    out.extend_from_slice(&open.max_t.to_be_bytes());
    out.push(open.encoding as u8);
    put_uvarint(&mut out, open.bytes.len() as u64);
    out.extend_from_slice(open.bytes);
    match open.last {
        Last::Float(_, v) => {
            out.extend_from_slice(&FORMER_SAMPLES);
            out.extend_from_slice(&v.to_bits().to_be_bytes());
        }
        Last::Histogram(_, h) => encode_integer_histogram(&mut out, h),
        Last::FloatHistogram(_, h) => encode_float_histogram(&mut out, h),
        // Not the newest sample of an open chunk.
        Last::None | Last::Closed(_) => {}
    }
    out
}

/// The record of all that is deleted.
#[must_use]
pub fn encode_tombstones(tombstones: &[RefTombstone]) -> Vec<u8> {
    let mut stones = vec![TOMBSTONES_VERSION];
    for stone in tombstones {
        put_uvarint(&mut stones, stone.series);
        put_varint(&mut stones, stone.mint);
        put_varint(&mut stones, stone.maxt);
    }
    let mut out = vec![TOMBSTONES];
    put_uvarint(&mut out, stones.len() as u64);
    out.extend(stones);
    out
}

/// A record of exemplars.
#[must_use]
pub fn encode_exemplars(exemplars: &[RefExemplar]) -> Vec<u8> {
    let mut out = vec![EXEMPLARS];
    encode_exemplar_body(&mut out, exemplars);
    out
}

/// Decodes a record. Allocates at most a small multiple of its length. Says what is wrong with one that is malformed, or
/// that has something this version does not know: then the rest cannot be relied on either.
///
/// # Errors
/// What is wrong.
pub fn decode(record: &[u8]) -> Result<Record, &'static str> {
    let Some((&kind, body)) = record.split_first() else { return Err("empty record") };
    let mut body = Cursor::new(body);
    let malformed = |Malformed| "malformed record";
    match kind {
        SERIES => decode_series(&mut body).map_err(malformed)?.ok_or("chunk of unknown encoding"),
        TOMBSTONES => {
            let stones = body.bytes().map_err(malformed)?;
            match stones.split_first() {
                Some((&TOMBSTONES_VERSION, stones)) => decode_tombstones(Cursor::new(stones)).map_err(malformed),
                _ => Err("tombstones of unknown version"),
            }
        }
        EXEMPLARS => decode_exemplar_body(&mut body).map(Record::Exemplars).map_err(malformed),
        _ => Err("record of unknown type"),
    }
}

/// `None` when the chunk's encoding is not known.
fn decode_series(c: &mut Cursor<'_>) -> Result<Option<Record>, Malformed> {
    let (series, labels) = (c.be64()?, decode_labels(c)?);
    c.be64()?;
    if c.uvarint()? == 0 {
        return Ok(Some(Record::Series(series, labels, None)));
    }
    let (min_t, max_t) = (c.be64()? as i64, c.be64()? as i64);
    let Some(encoding) = Encoding::from_number(c.byte()?) else { return Ok(None) };
    let chunk = EncodedChunk { min_t, max_t, encoding, bytes: c.bytes()?.into() };
    Ok(Some(Record::Series(series, labels, Some(chunk))))
}

fn decode_tombstones(mut stones: Cursor<'_>) -> Result<Record, Malformed> {
    let mut found = Vec::new();
    while !stones.is_empty() {
        found.push(RefTombstone { series: stones.uvarint()?, mint: stones.varint()?, maxt: stones.varint()? });
    }
    Ok(Record::Tombstones(found))
}
