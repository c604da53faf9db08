//! Streams of bits, most significant bit first, read and written a 64-bit word at a time.
//!
//! Source of the codes: Prometheus `tsdb/chunkenc/bstream.go`, `varbit.go`, and `xorWrite`, `xorRead` in `xor.go`.

/// Sizes in bits of the payloads of a varbit code, by the number of ones before the first zero of its prefix. Eight ones
/// have no zero after them and stand before 64 bits.
const VARBIT_SIZES: [u32; 9] = [0, 3, 6, 9, 12, 18, 25, 56, 64];

/// Bits that one look at the stream gives at least.
pub(super) const PEEKED: u32 = 57;

/// Appends bits to whole bytes. The buffer grows from one size class of the allocator to the next, so an open chunk
/// holds little more than it has.
#[derive(Clone, Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that are not used yet, 0 to 7.
    free: u8,
}

impl BitWriter {
    /// Goes on after a header of whole bytes.
    pub(super) fn after(header: &[u8]) -> Self {
        let mut writer = Self::default();
        writer.append_bytes(header);
        writer
    }

    /// Goes on behind the first `bits` of some bytes.
    pub(super) fn resume(bytes: &[u8], bits: usize) -> Self {
        let mut writer = Self::after(&bytes[..bits.div_ceil(8).min(bytes.len())]);
        writer.free = (writer.bytes.len() * 8).saturating_sub(bits) as u8;
        if let Some(last) = writer.bytes.last_mut() {
            *last &= 0xff << writer.free;
        }
        writer
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// For changes of the header; the length stays.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Appends the low `count` bits of a word, 1 to 64.
    pub(super) fn write_bits(&mut self, word: u64, count: u32) {
        debug_assert!((1..=64).contains(&count));
        let mut word = word << (64 - count);
        let mut count = count;
        let free = u32::from(self.free);
        if free > 0 {
            if let Some(last) = self.bytes.last_mut() {
                *last |= (word >> (64 - free)) as u8;
            }
            if count <= free {
                self.free -= count as u8;
                return;
            }
            word <<= free;
            count -= free;
        }
        let whole = count.div_ceil(8);
        self.append_bytes(&word.to_be_bytes()[..whole as usize]);
        self.free = (whole * 8 - count) as u8;
    }

    /// Appends one bit.
    pub(super) fn write_bit(&mut self, bit: bool) {
        self.write_bits(u64::from(bit), 1);
    }

    /// Go's `binary.PutUvarint`.
    pub(super) fn write_uvarint(&mut self, mut word: u64) {
        while word >= 0x80 {
            self.write_bits(word & 0x7f | 0x80, 8);
            word >>= 7;
        }
        self.write_bits(word, 8);
    }

    /// Go's `binary.PutVarint`.
    pub(super) fn write_varint(&mut self, number: i64) {
        self.write_uvarint((number << 1 ^ number >> 63) as u64);
    }

    /// A signed number in the shortest of the nine varbit codes.
    pub(super) fn write_varbit_int(&mut self, number: i64) {
        let class = match number {
            0 => 0,
            _ => (1..8).find(|class| fits(number, VARBIT_SIZES[*class])).unwrap_or(8),
        };
        self.write_varbit(class, number as u64);
    }

    /// An unsigned number in the shortest of the nine varbit codes.
    pub(super) fn write_varbit_uint(&mut self, number: u64) {
        let needed = 64 - number.leading_zeros();
        let class = VARBIT_SIZES.iter().position(|size| needed <= *size).unwrap_or(8);
        self.write_varbit(class, number);
    }

    fn write_varbit(&mut self, class: usize, word: u64) {
        match class {
            0 => self.write_bit(false),
            8 => {
                self.write_bits(0xff, 8);
                self.write_bits(word, 64);
            }
            _ => {
                let size = VARBIT_SIZES[class];
                // As many ones as the class says, then a zero.
                let prefix = (1 << (class + 1)) - 2;
                self.write_bits(prefix << size | word & ((1 << size) - 1), size + class as u32 + 1);
            }
        }
    }

    /// Writes a value as its difference in bits from the one before; `window` remembers where the last ones lay.
    pub(super) fn write_xor(&mut self, value: f64, before: f64, window: &mut Window) {
        let xor = value.to_bits() ^ before.to_bits();
        if xor == 0 {
            self.write_bit(false);
            return;
        }
        // The number of leading zeros has five bits.
        let leading = xor.leading_zeros().min(31) as u8;
        let trailing = xor.trailing_zeros() as u8;
        if window.is_set() && leading >= window.leading && trailing >= window.trailing {
            self.write_bits(0b10, 2);
            self.write_bits(xor >> window.trailing, window.significant());
            return;
        }
        *window = Window { leading, trailing };
        let significant = window.significant();
        // 64 significant bits overflow the six bits to 0, which no count can be.
        self.write_bits(0b11 << 11 | u64::from(leading) << 6 | u64::from(significant & 0x3f), 13);
        self.write_bits(xor >> trailing, significant);
    }

    fn append_bytes(&mut self, more: &[u8]) {
        let needed = self.bytes.len() + more.len();
        if needed > self.bytes.capacity() {
            self.bytes.reserve_exact(size_class(needed) - self.bytes.len());
        }
        self.bytes.extend_from_slice(more);
    }
}

/// The smallest size the allocator serves that holds `needed` bytes: multiples of 16 up to 128, then four classes to each
/// doubling.
fn size_class(needed: usize) -> usize {
    let spacing = (needed.next_power_of_two() / 8).max(16);
    needed.next_multiple_of(spacing)
}

/// Go's `bitRange`: one more than two's complement at the upper end, one less at the lower.
pub(super) fn fits(number: i64, bits: u32) -> bool {
    let half = 1i64 << (bits - 1);
    -(half - 1) <= number && number <= half
}

/// The number that [`fits`] in `bits` and whose low bits are `word`.
pub(super) fn extend_sign(word: u64, bits: u32) -> i64 {
    if word > 1 << (bits - 1) { word.wrapping_sub(1 << bits) as i64 } else { word as i64 }
}

/// Where in the word the differing bits of the last xored value lay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    leading: u8,
    trailing: u8,
}

impl Window {
    /// Before the first difference was written.
    pub(super) const UNSET: Self = Self { leading: 0xff, trailing: 0 };

    /// What a reader starts with. Prometheus, when it reopens a chunk without differences, takes this for the window
    /// and then writes whole words into it.
    pub(super) const WHOLE: Self = Self { leading: 0, trailing: 0 };

    fn is_set(self) -> bool {
        self.leading != 0xff
    }

    fn significant(self) -> u32 {
        64 - u32::from(self.leading) - u32::from(self.trailing)
    }
}

/// Reads bits. Beyond the end there are zeros; [`BitReader::overrun`] tells afterwards whether they were needed.
#[derive(Clone, Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// Bits read so far.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// True when more bits were read than there are.
    pub(super) fn overrun(&self) -> bool {
        self.at > self.bytes.len() * 8
    }

    /// Bits read so far.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Bits not read yet.
    pub(super) fn remaining(&self) -> usize {
        (self.bytes.len() * 8).saturating_sub(self.at)
    }

    /// The next bits, left aligned; the first [`PEEKED`] of them are good.
    #[inline(always)]
    pub(super) fn peek(&self) -> u64 {
        let byte = self.at / 8;
        let word = match self.bytes.get(byte..byte + 8).and_then(<[u8]>::first_chunk::<8>) {
            Some(word) => u64::from_be_bytes(*word),
            None => peek_tail(self.bytes, byte),
        };
        word << (self.at % 8)
    }

    /// Passes over bits.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.at += count as usize;
    }

    /// Reads bits, 1 to 64.
    #[inline(always)]
    pub(super) fn read_bits(&mut self, count: u32) -> u64 {
        if count <= PEEKED {
            let word = self.peek() >> (64 - count);
            self.skip(count);
            return word;
        }
        let high = self.peek() >> 32;
        self.skip(32);
        let rest = count - 32;
        let low = self.peek() >> (64 - rest);
        self.skip(rest);
        high << rest | low
    }

    /// Go's `binary.ReadUvarint`; `None` for a number of more than 64 bits.
    pub(super) fn read_uvarint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.read_bits(8);
            if shift == 63 && byte > 1 {
                return None;
            }
            number |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// Go's `binary.ReadVarint`.
    pub(super) fn read_varint(&mut self) -> Option<i64> {
        let word = self.read_uvarint()?;
        Some((word >> 1) as i64 ^ -((word & 1) as i64))
    }

    /// Reads what [`BitWriter::write_varbit_int`] wrote.
    pub(super) fn read_varbit_int(&mut self) -> i64 {
        match self.read_varbit() {
            (word, 0 | 64) => word as i64,
            (word, size) => extend_sign(word, size),
        }
    }

    /// Reads what [`BitWriter::write_varbit_uint`] wrote.
    pub(super) fn read_varbit_uint(&mut self) -> u64 {
        self.read_varbit().0
    }

    /// The payload of a varbit code and its size.
    #[inline]
    fn read_varbit(&mut self) -> (u64, u32) {
        let class = self.peek().leading_ones().min(8);
        self.skip(if class == 8 { 8 } else { class + 1 });
        match VARBIT_SIZES[class as usize] {
            0 => (0, 0),
            size => (self.read_bits(size), size),
        }
    }

    /// Reads what [`BitWriter::write_xor`] wrote: the bits of the value. `None` when the window does not fit a word.
    #[inline(always)]
    pub(super) fn read_xor(&mut self, before: u64, window: &mut Window) -> Option<u64> {
        self.read_seen_xor(self.peek(), PEEKED, before, window)
    }

    /// As [`Self::read_xor`], of bits that were looked at already, left aligned, of which the first `good` ones are good: at
    /// least 13.
    #[inline(always)]
    pub(super) fn read_seen_xor(&mut self, word: u64, good: u32, before: u64, window: &mut Window) -> Option<u64> {
        if word >> 63 == 0 {
            self.skip(1);
            return Some(before);
        }
        // Whether there is a new window is as good as random; so both are made, and one is chosen without a branch.
        let leading = (word >> 57) as u8 & 0x1f;
        let significant = match (word >> 51) as u8 & 0x3f {
            0 => 64,
            significant => significant,
        };
        let trailing = 64u8.wrapping_sub(leading).wrapping_sub(significant);
        let is_new = word >> 62 == 0b11;
        *window = if is_new { Window { leading, trailing } } else { *window };
        if window.trailing > 64 {
            return None;
        }
        let prefix = if is_new { 13 } else { 2 };
        let significant = window.significant();
        let xor = if prefix + significant <= good {
            self.skip(prefix + significant);
            word << prefix >> (64 - significant)
        } else {
            self.skip(prefix);
            self.read_bits(significant)
        };
        Some(before ^ xor << window.trailing)
    }
}

/// What a look at the last bytes gives: zeros behind them.
#[cold]
fn peek_tail(bytes: &[u8], byte: usize) -> u64 {
    let mut word = [0; 8];
    let rest = bytes.get(byte..).unwrap_or_default();
    word[..rest.len()].copy_from_slice(rest);
    u64::from_be_bytes(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers of all magnitudes.
    fn number() -> impl Strategy<Value = i64> {
        (any::<i64>(), 0..64u32).prop_map(|(number, shift)| number >> shift)
    }

    #[test]
    fn varbit_codes_are_those_of_prometheus() {
        // varbit.go: the ends of each class.
        for (number, bits) in [(0, 1), (-3, 5), (4, 5), (5, 9), (-4, 9), (32, 9), (33, 13), (256, 13), (2048, 17)] {
            let mut writer = BitWriter::default();
            writer.write_varbit_int(number);
            assert_eq!(writer.bytes.len() * 8 - usize::from(writer.free), bits, "{number}");
        }
        let mut writer = BitWriter::default();
        writer.write_varbit_int(-3);
        writer.write_varbit_uint(64);
        assert_eq!(writer.bytes, [0b1010_1111, 0b0001_0000, 0]);
    }

    #[test]
    fn buffers_grow_by_size_classes() {
        assert_eq!([1, 16, 17, 127, 129, 161, 257, 1025].map(size_class), [16, 16, 32, 128, 160, 192, 320, 1280]);
    }

    proptest! {
        #[test]
        fn numbers_come_back(numbers in prop::collection::vec((number(), 0..4u8), 0..60)) {
            let mut writer = BitWriter::after(&[7, 7]);
            for (number, code) in &numbers {
                match code {
                    0 => writer.write_varbit_int(*number),
                    1 => writer.write_varbit_uint(*number as u64),
                    2 => writer.write_varint(*number),
                    _ => writer.write_bits(*number as u64, 64),
                }
            }
            let mut reader = BitReader::new(&writer.bytes()[2..]);
            for (number, code) in &numbers {
                let read = match code {
                    0 => reader.read_varbit_int(),
                    1 => reader.read_varbit_uint() as i64,
                    2 => reader.read_varint().unwrap(),
                    _ => reader.read_bits(64) as i64,
                };
                prop_assert_eq!(read, *number);
            }
            prop_assert!(!reader.overrun());
            prop_assert!(reader.remaining() < 8);
        }

        #[test]
        fn words_are_written_as_their_bits(words in prop::collection::vec((any::<u64>(), 1..=64u32), 0..40)) {
            let mut writer = BitWriter::default();
            let mut text = String::new();
            for (word, count) in words {
                writer.write_bits(word, count);
                text.push_str(&format!("{word:064b}")[64 - count as usize..]);
            }
            let written: String = writer.bytes().iter().map(|byte| format!("{byte:08b}")).collect();
            prop_assert_eq!(&written[..text.len()], &text);
            prop_assert!(written[text.len()..].bytes().all(|bit| bit == b'0'));
        }
    }
}
