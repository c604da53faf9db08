//! Chunks of floats. The bytes are described in the [crate documentation](crate#float-chunk).

use neocortex_model::sample::Samples;

use super::bits::{BitReader, BitWriter, PEEKED, Window, extend_sign, fits};
use crate::error::TsdbError;

const HEADER_BYTES: usize = 2;

/// Sizes in bits of a delta of deltas, by the number of ones before the first zero of its prefix. Four ones have no zero
/// after them.
const DELTA_SIZES: [u32; 5] = [0, 14, 17, 20, 64];

/// A chunk that is being filled: the encoder's state and its bytes, which are complete after every sample.
#[derive(Clone, Debug)]
pub struct XorChunk {
    bits: BitWriter,
    t: i64,
    v: f64,
    delta: u64,
    window: Window,
}

impl XorChunk {
    /// An empty chunk.
    #[must_use]
    pub fn new() -> Self {
        Self { bits: BitWriter::after(&[0; HEADER_BYTES]), t: i64::MIN, v: 0.0, delta: 0, window: Window::UNSET }
    }

    /// Goes on with an encoded chunk.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`] when the bytes end early or are none of the code.
    pub fn resume(bytes: &[u8]) -> Result<Self, TsdbError> {
        let (samples, mut reader) = SampleReader::open(bytes)?;
        if samples == 0 {
            return Ok(Self::new());
        }
        (0..samples).try_for_each(|i| {
            let read = if i < FIRST { reader.begin(i) } else { reader.next() };
            read.ok_or_else(|| ends_early(bytes, i, samples))
        })?;
        Ok(Self {
            bits: BitWriter::resume(bytes, HEADER_BYTES * 8 + reader.bits.position()),
            t: reader.t,
            v: f64::from_bits(reader.v),
            delta: reader.delta,
            // Whether there was a window at all does not matter to a reader: the next difference gets a new one.
            window: if reader.window == Window::WHOLE { Window::UNSET } else { reader.window },
        })
    }

    /// Number of samples.
    #[must_use]
    pub fn num_samples(&self) -> u16 {
        super::num_samples(self.bits.bytes())
    }

    /// True without samples. Does not look at the encoded bytes, as [`Self::num_samples`] does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bits.bytes().len() <= HEADER_BYTES
    }

    /// Time of the newest sample in milliseconds; `i64::MIN` for an empty chunk.
    #[must_use]
    pub fn max_time(&self) -> i64 {
        self.t
    }

    /// Value of the newest sample; 0 for an empty chunk.
    #[must_use]
    pub fn last_value(&self) -> f64 {
        self.v
    }

    /// The encoded chunk, header included.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bits.bytes()
    }

    /// Heap bytes held.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.bits.heap_bytes()
    }

    /// Appends a sample. Times ascend; a chunk takes 65535 samples, which is for the caller to see to.
    pub fn append(&mut self, t: i64, v: f64) {
        let samples = self.num_samples();
        debug_assert!(samples < u16::MAX);
        let mut delta = (t as u64).wrapping_sub(self.t as u64);
        match samples {
            0 => {
                delta = 0;
                self.bits.write_varint(t);
                self.bits.write_bits(v.to_bits(), 64);
            }
            1 => {
                self.bits.write_uvarint(delta);
                self.bits.write_xor(v, self.v, &mut self.window);
            }
            _ => {
                self.write_delta_of_deltas(delta.wrapping_sub(self.delta) as i64);
                self.bits.write_xor(v, self.v, &mut self.window);
            }
        }
        self.t = t;
        self.v = v;
        self.delta = delta;
        super::set_num_samples(self.bits.bytes_mut(), samples.wrapping_add(1));
    }

    fn write_delta_of_deltas(&mut self, number: i64) {
        if number == 0 {
            self.bits.write_bit(false);
            return;
        }
        let word = number as u64;
        for (prefix, prefix_size, size) in [(0b10, 2, 14), (0b110, 3, 17), (0b1110, 4, 20)] {
            if fits(number, size) {
                self.bits.write_bits(prefix << size | word & ((1 << size) - 1), prefix_size + size);
                return;
            }
        }
        self.bits.write_bits(0b1111, 4);
        self.bits.write_bits(word, 64);
    }
}

impl Default for XorChunk {
    fn default() -> Self {
        Self::new()
    }
}

/// Appends the samples with `mint <= t <= maxt` (milliseconds) of an encoded chunk to `out`.
///
/// # Errors
/// [`TsdbError::Corrupt`] when the bytes end early or are none of the code; `out` then holds some of the samples before.
pub fn decode(bytes: &[u8], mint: i64, maxt: i64, out: &mut Samples) -> Result<(), TsdbError> {
    let (samples, mut reader) = SampleReader::open(bytes)?;
    // A sample has two bits at least.
    let bound = usize::from(samples).min(bytes.len() * 4);
    out.append_floats(bound, |t, v| {
        let begun = samples.min(FIRST);
        for i in 0..begun {
            reader.begin(i).ok_or_else(|| ends_early(bytes, i, samples))?;
            push_between(&[reader.t], &[f64::from_bits(reader.v)], (mint, maxt), t, v);
        }
        // A copy that is lent to nobody can be kept in registers.
        let mut reader = reader;
        let (mut times, mut values) = ([0; PORTION], [0.0; PORTION]);
        for first in (begun..samples).step_by(PORTION) {
            let portion = PORTION.min(usize::from(samples - first));
            let (times, values) = (&mut times[..portion], &mut values[..portion]);
            for ((time, value), i) in times.iter_mut().zip(values.iter_mut()).zip(first..) {
                reader.next().ok_or_else(|| ends_early(bytes, i, samples))?;
                (*time, *value) = (reader.t, f64::from_bits(reader.v));
            }
            push_between(times, values, (mint, maxt), t, v);
            if reader.t > maxt {
                break;
            }
        }
        Ok(())
    })
}

/// Samples that are encoded in ways of their own, at the beginning.
const FIRST: u16 = 2;

/// Samples that are decoded before they are looked at.
const PORTION: usize = 32;

/// Appends the samples of the wanted times.
fn push_between(times: &[i64], values: &[f64], (mint, maxt): (i64, i64), t: &mut Vec<i64>, v: &mut Vec<f64>) {
    if times.iter().all(|time| (mint..=maxt).contains(time)) {
        t.extend_from_slice(times);
        v.extend_from_slice(values);
        return;
    }
    for (time, value) in times.iter().zip(values).filter(|(time, _)| (mint..=maxt).contains(*time)) {
        t.push(*time);
        v.push(*value);
    }
}

/// Reads one sample after the other.
struct SampleReader<'a> {
    bits: BitReader<'a>,
    t: i64,
    delta: u64,
    /// Bits of the value.
    v: u64,
    window: Window,
}

impl<'a> SampleReader<'a> {
    /// The number of samples with it.
    fn open(bytes: &'a [u8]) -> Result<(u16, Self), TsdbError> {
        let Some((header, body)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Err(TsdbError::corrupt_bytes(0, "float chunk without a header"));
        };
        let reader = Self { bits: BitReader::new(body), t: 0, delta: 0, v: 0, window: Window::WHOLE };
        Ok((u16::from_be_bytes(*header), reader))
    }

    /// Reads one of the [`FIRST`] samples; `None` when the bytes end in it, or are none of the code.
    fn begin(&mut self, i: u16) -> Option<()> {
        if i == 0 {
            self.t = self.bits.read_varint()?;
            self.v = self.bits.read_bits(64);
        } else {
            self.delta = self.bits.read_uvarint()?;
            self.t = self.t.wrapping_add(self.delta as i64);
            self.v = self.bits.read_xor(self.v, &mut self.window)?;
        }
        (!self.bits.overrun()).then_some(())
    }

    /// Reads a sample after these; `None` as for [`Self::begin`].
    #[inline(always)]
    fn next(&mut self) -> Option<()> {
        let mut word = self.bits.peek();
        let mut good = PEEKED;
        if word >> 63 == 0 {
            // As far from the sample before as that from the one before it: one look gives the value too.
            self.bits.skip(1);
            (word, good) = (word << 1, good - 1);
        } else {
            self.delta = self.delta.wrapping_add(read_delta_of_deltas(&mut self.bits) as u64);
            word = self.bits.peek();
        }
        self.t = self.t.wrapping_add(self.delta as i64);
        self.v = self.bits.read_seen_xor(word, good, self.v, &mut self.window)?;
        (!self.bits.overrun()).then_some(())
    }
}

fn ends_early(bytes: &[u8], sample: u16, samples: u16) -> TsdbError {
    TsdbError::corrupt_bytes(bytes.len(), format_args!("float chunk ends in sample {sample} of {samples}"))
}

/// One that is not zero.
#[inline(always)]
fn read_delta_of_deltas(bits: &mut BitReader<'_>) -> i64 {
    let word = bits.peek();
    let ones = word.leading_ones().min(4);
    let size = DELTA_SIZES[ones as usize];
    if ones == 4 {
        bits.skip(4);
        return bits.read_bits(size) as i64;
    }
    // Prefix and number lie within what one look gives.
    bits.skip(ones + 1 + size);
    extend_sign(word << (ones + 1) >> (64 - size), size)
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

    fn filled(start: i64, samples: &[(i64, f64)]) -> (XorChunk, Vec<(i64, u64)>) {
        let mut chunk = XorChunk::new();
        let mut t = start;
        let mut expected = Vec::new();
        for (delta, v) in samples {
            t = t.wrapping_add(*delta);
            chunk.append(t, *v);
            expected.push((t, v.to_bits()));
        }
        (chunk, expected)
    }

    fn decoded(bytes: &[u8], mint: i64, maxt: i64) -> Result<Vec<(i64, u64)>, TsdbError> {
        let mut out = Samples::default();
        decode(bytes, mint, maxt, &mut out)?;
        Ok(out.t.iter().copied().zip(out.v.iter().map(|v| v.to_bits())).collect())
    }

    #[test]
    fn a_reused_window_that_was_never_written_is_the_whole_word() {
        // Prometheus writes this when it goes on with a chunk of equal values that it read back.
        let mut chunk = XorChunk::new();
        chunk.append(1000, 1.0);
        chunk.append(2000, 1.0);
        chunk.window = Window::WHOLE;
        chunk.append(3000, 2.5);
        assert_eq!(decoded(chunk.bytes(), i64::MIN, i64::MAX).unwrap()[2], (3000, 2.5f64.to_bits()));
    }

    #[test]
    fn an_open_chunk_is_near_its_encoded_size() {
        let samples: Vec<_> = (0..120).map(|i| (15_000, f64::from(i * i))).collect();
        let (chunk, _) = filled(1_700_000_000_000, &samples);
        assert!(
            chunk.heap_bytes() * 4 <= chunk.bytes().len() * 5,
            "{} for {}",
            chunk.heap_bytes(),
            chunk.bytes().len()
        );
        assert!(size_of::<XorChunk>() <= 64);
    }

    proptest! {
        #[test]
        fn a_resumed_chunk_goes_on_where_it_was(
            samples in prop::collection::vec(sample(), 1..150),
            split in any::<prop::sample::Index>(),
        ) {
            let split = split.index(samples.len()) + 1;
            let (_, expected) = filled(1_700_000_000_000, &samples);
            let (half, _) = filled(1_700_000_000_000, &samples[..split]);
            let mut resumed = XorChunk::resume(half.bytes()).unwrap();
            prop_assert_eq!(
                (resumed.bytes(), resumed.max_time(), resumed.last_value().to_bits()),
                (half.bytes(), half.max_time(), half.last_value().to_bits())
            );
            let mut t = half.max_time();
            for (delta, v) in &samples[split..] {
                t = t.wrapping_add(*delta);
                resumed.append(t, *v);
            }
            prop_assert_eq!(&decoded(resumed.bytes(), i64::MIN, i64::MAX).unwrap(), &expected);
        }

        #[test]
        fn decodes_what_was_appended(
            start in prop_oneof![Just(0), Just(1_700_000_000_000i64), -1_000_000..1_000_000i64],
            samples in prop::collection::vec(sample(), 0..300),
        ) {
            let (chunk, expected) = filled(start, &samples);
            prop_assert_eq!(usize::from(chunk.num_samples()), expected.len());
            prop_assert_eq!(&decoded(chunk.bytes(), i64::MIN, i64::MAX).unwrap(), &expected);
            if let Some(first) = expected.get(expected.len() / 3) {
                let last = expected[expected.len() / 2];
                let between = decoded(chunk.bytes(), first.0, last.0).unwrap();
                prop_assert_eq!(&between, &expected[expected.len() / 3..=expected.len() / 2]);
            }
        }

        #[test]
        fn a_torn_chunk_is_told(samples in prop::collection::vec(sample(), 1..50), torn in 1usize..20) {
            let (chunk, _) = filled(0, &samples);
            let kept = chunk.bytes().len().saturating_sub(torn);
            prop_assert!(decoded(&chunk.bytes()[..kept], i64::MIN, i64::MAX).is_err());
        }

        #[test]
        fn damaged_chunks_do_no_harm(
            samples in prop::collection::vec(sample(), 0..50), at in any::<prop::sample::Index>(), flip in 1..=255u8,
        ) {
            let (chunk, _) = filled(0, &samples);
            let mut bytes = chunk.bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            if let Ok(found) = decoded(&bytes, i64::MIN, i64::MAX) {
                prop_assert!(found.len() <= bytes.len() * 4);
            }
        }

        #[test]
        fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decoded(&bytes, i64::MIN, i64::MAX);
        }
    }
}
