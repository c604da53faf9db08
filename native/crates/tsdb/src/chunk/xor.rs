//! Chunks of floats: delta-of-delta times and xored values.
//!
//! Format: Prometheus `tsdb/docs/format/chunks.md`, `tsdb/chunkenc/xor.go`. Two bytes with the number of samples, then
//! bits: the first time as a varint and its value as it is; the second time as a uvarint delta; from there on deltas of
//! deltas in 1, 16, 20, 24 or 68 bits. Values are xored with the one before; the significant bits are written, with
//! their place when it differs from the last one.

use std::path::PathBuf;

use neocortex_model::sample::Samples;

use super::bits::{BitReader, BitWriter};
use crate::error::TsdbError;

const HEADER_BYTES: usize = 2;

/// No window of significant bits was written yet.
const NO_WINDOW: u8 = 0xff;

/// A chunk that is being filled. Its bytes are complete after every sample.
#[derive(Clone, Debug)]
pub struct XorChunk {
    bits: BitWriter,
    t: i64,
    v: f64,
    delta: u64,
    leading: u8,
    trailing: u8,
}

impl XorChunk {
    /// An empty chunk.
    #[must_use]
    pub fn new() -> Self {
        let mut bytes = Vec::with_capacity(32);
        bytes.extend_from_slice(&[0; HEADER_BYTES]);
        Self { bits: BitWriter::after(bytes), t: i64::MIN, v: 0.0, delta: 0, leading: NO_WINDOW, trailing: 0 }
    }

    /// Number of samples.
    #[must_use]
    pub fn num_samples(&self) -> u16 {
        u16::from_be_bytes([self.bits.bytes[0], self.bits.bytes[1]])
    }

    /// Time of the newest sample in milliseconds; `i64::MIN` for an empty chunk.
    #[must_use]
    pub fn max_time(&self) -> i64 {
        self.t
    }

    /// Value of the newest sample.
    #[must_use]
    pub fn last_value(&self) -> f64 {
        self.v
    }

    /// The encoded chunk.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bits.bytes
    }

    /// Heap bytes held.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.bits.bytes.capacity()
    }

    /// Appends a sample; times ascend. A chunk holds at most 65535 samples, which is for the caller to see to.
    pub fn append(&mut self, t: i64, v: f64) {
        let samples = self.num_samples();
        debug_assert!(samples < u16::MAX);
        let delta = (t as u64).wrapping_sub(self.t as u64);
        match samples {
            0 => {
                self.bits.write_varint(t);
                self.bits.write_bits(v.to_bits(), 64);
                self.delta = 0;
            }
            1 => {
                self.bits.write_uvarint(delta);
                self.write_value(v);
                self.delta = delta;
            }
            _ => {
                self.write_delta_of_delta(delta.wrapping_sub(self.delta) as i64);
                self.write_value(v);
                self.delta = delta;
            }
        }
        self.t = t;
        self.v = v;
        self.bits.bytes[..HEADER_BYTES].copy_from_slice(&samples.wrapping_add(1).to_be_bytes());
    }

    fn write_delta_of_delta(&mut self, dod: i64) {
        let word = dod as u64;
        if dod == 0 {
            self.bits.write_bit(false);
        } else if fits(dod, 14) {
            self.bits.write_bits(0b10 << 14 | word & 0x3fff, 16);
        } else if fits(dod, 17) {
            self.bits.write_bits(0b110 << 17 | word & 0x1_ffff, 20);
        } else if fits(dod, 20) {
            self.bits.write_bits(0b1110 << 20 | word & 0xf_ffff, 24);
        } else {
            self.bits.write_bits(0b1111, 4);
            self.bits.write_bits(word, 64);
        }
    }

    fn write_value(&mut self, v: f64) {
        let xor = v.to_bits() ^ self.v.to_bits();
        if xor == 0 {
            self.bits.write_bit(false);
            return;
        }
        // The number of leading zeros has five bits.
        let leading = (xor.leading_zeros() as u8).min(31);
        let trailing = xor.trailing_zeros() as u8;
        if self.leading != NO_WINDOW && leading >= self.leading && trailing >= self.trailing {
            let significant = u32::from(64 - self.leading - self.trailing);
            self.bits.write_bits(0b10, 2);
            self.bits.write_bits(xor >> self.trailing, significant);
            return;
        }
        self.leading = leading;
        self.trailing = trailing;
        let significant = u32::from(64 - leading - trailing);
        // 64 significant bits overflow the six bits to 0, which no count can be.
        self.bits.write_bits(0b11 << 11 | u64::from(leading) << 6 | u64::from(significant & 0x3f), 13);
        self.bits.write_bits(xor >> trailing, significant);
    }
}

impl Default for XorChunk {
    fn default() -> Self {
        Self::new()
    }
}

/// Go's `bitRange`: the range is shifted by one against two's complement.
fn fits(x: i64, bits: u32) -> bool {
    let half = 1i64 << (bits - 1);
    -(half - 1) <= x && x <= half
}

/// Appends the samples with `mint <= t <= maxt` of an encoded chunk to `out`.
///
/// # Errors
/// [`TsdbError::Corrupt`] when the bytes end early.
pub fn decode(bytes: &[u8], mint: i64, maxt: i64, out: &mut Samples) -> Result<(), TsdbError> {
    let corrupt = || TsdbError::Corrupt { path: PathBuf::new(), offset: 0, what: "float chunk ends early".to_owned() };
    let Some((header, body)) = bytes.split_first_chunk::<HEADER_BYTES>() else { return Err(corrupt()) };
    let samples = u16::from_be_bytes(*header);
    let mut bits = BitReader::new(body);
    let mut state = DecodeState::default();
    for i in 0..samples {
        state.next(i, &mut bits).ok_or_else(corrupt)?;
        if state.t > maxt {
            break;
        }
        if state.t >= mint {
            out.push_float(state.t, f64::from_bits(state.v));
        }
    }
    Ok(())
}

#[derive(Default)]
struct DecodeState {
    t: i64,
    v: u64,
    delta: u64,
    leading: u32,
    significant: u32,
}

impl DecodeState {
    fn next(&mut self, index: u16, bits: &mut BitReader<'_>) -> Option<()> {
        match index {
            0 => {
                self.t = bits.read_varint()?;
                self.v = bits.read_bits(64)?;
                return Some(());
            }
            1 => self.delta = bits.read_uvarint()?,
            _ => self.delta = self.delta.wrapping_add(read_delta_of_delta(bits)? as u64),
        }
        self.t = self.t.wrapping_add(self.delta as i64);
        self.read_value(bits)
    }

    fn read_value(&mut self, bits: &mut BitReader<'_>) -> Option<()> {
        if !bits.read_bit()? {
            return Some(());
        }
        if bits.read_bit()? {
            self.leading = bits.read_bits(5)? as u32;
            self.significant = match bits.read_bits(6)? as u32 {
                0 => 64,
                n => n,
            };
        }
        let trailing = 64u32.checked_sub(self.leading + self.significant)?;
        self.v ^= bits.read_bits(self.significant)?.checked_shl(trailing).unwrap_or(0);
        Some(())
    }
}

fn read_delta_of_delta(bits: &mut BitReader<'_>) -> Option<i64> {
    let mut ones = 0;
    while ones < 4 && bits.read_bit()? {
        ones += 1;
    }
    let size = match ones {
        0 => return Some(0),
        1 => 14,
        2 => 17,
        3 => 20,
        _ => return Some(bits.read_bits(64)? as i64),
    };
    let word = bits.read_bits(size)? as i64;
    Some(if word > 1 << (size - 1) { word - (1 << size) } else { word })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> impl Strategy<Value = (i64, f64)> {
        let delta = prop_oneof![Just(15_000), 1..20_000i64, 1..1_000_000i64, 1..1i64 << 40];
        let value = prop_oneof![Just(1.0), 0.0..1000.0f64, any::<u64>().prop_map(f64::from_bits), Just(-0.0)];
        (delta, value)
    }

    proptest! {
        #[test]
        fn decodes_what_was_appended(
            start in prop_oneof![Just(0), Just(1_700_000_000_000i64), -1_000_000..1_000_000i64],
            samples in proptest::collection::vec(sample(), 0..300),
        ) {
            let mut chunk = XorChunk::new();
            let mut t = start;
            let mut expected = Vec::new();
            for (delta, v) in samples {
                t += delta;
                chunk.append(t, v);
                expected.push((t, v.to_bits()));
            }
            prop_assert_eq!(usize::from(chunk.num_samples()), expected.len());
            let mut out = Samples::default();
            decode(chunk.bytes(), i64::MIN, i64::MAX, &mut out).unwrap();
            let found: Vec<_> = out.t.iter().copied().zip(out.v.iter().map(|v| v.to_bits())).collect();
            prop_assert_eq!(&found, &expected);
            if let (Some(first), Some(last)) = (expected.get(expected.len() / 3), expected.get(expected.len() / 2)) {
                out.clear();
                decode(chunk.bytes(), first.0, last.0, &mut out).unwrap();
                prop_assert_eq!(out.len(), expected.len() / 2 - expected.len() / 3 + 1);
            }
        }

        #[test]
        fn damaged_chunks_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes, i64::MIN, i64::MAX, &mut Samples::default());
        }
    }
}
