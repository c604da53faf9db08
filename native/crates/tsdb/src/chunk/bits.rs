//! Streams of bits, most significant bit first, as Prometheus's `chunkenc/bstream.go` writes them.

/// Appends bits to a chunk. `used` is the number of bits used in the last byte, 8 when it is full.
#[derive(Clone, Debug)]
pub(super) struct BitWriter {
    pub(super) bytes: Vec<u8>,
    used: u8,
}

impl BitWriter {
    /// Goes on after whole bytes.
    pub(super) fn after(bytes: Vec<u8>) -> Self {
        Self { bytes, used: 8 }
    }

    pub(super) fn write_bit(&mut self, bit: bool) {
        self.write_bits(u64::from(bit), 1);
    }

    /// Appends the low `count` bits of a word, at most 64.
    pub(super) fn write_bits(&mut self, word: u64, count: u32) {
        let mut left = count;
        // Bits above the count would spill into what is already written.
        let word = if count < 64 { word & ((1 << count) - 1) } else { word };
        while left > 0 {
            if self.used == 8 {
                self.grow();
                self.bytes.push(0);
                self.used = 0;
            }
            let free = u32::from(8 - self.used);
            let take = free.min(left);
            let part = (word >> (left - take)) as u8 & (0xffu16 >> (8 - take)) as u8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= part << (free - take);
            }
            self.used += take as u8;
            left -= take;
        }
    }

    /// Go's `binary.PutUvarint`.
    pub(super) fn write_uvarint(&mut self, mut word: u64) {
        while word >= 0x80 {
            self.write_bits(word | 0x80, 8);
            word >>= 7;
        }
        self.write_bits(word, 8);
    }

    /// Go's `binary.PutVarint`.
    pub(super) fn write_varint(&mut self, word: i64) {
        self.write_uvarint((word << 1 ^ word >> 63) as u64);
    }

    /// Grows in small steps: an open chunk must not hold twice what it needs.
    fn grow(&mut self) {
        if self.bytes.len() == self.bytes.capacity() {
            self.bytes.reserve_exact((self.bytes.len() / 8).clamp(16, 64));
        }
    }
}

/// Reads bits from a chunk.
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

    pub(super) fn read_bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// Reads `count` bits, 0 to 64.
    pub(super) fn read_bits(&mut self, count: u32) -> Option<u64> {
        let count = count as usize;
        if count == 0 {
            return Some(0);
        }
        let (byte, skip) = (self.at / 8, self.at % 8);
        if self.at + count > self.bytes.len() * 8 {
            return None;
        }
        self.at += count;
        let wide = match self.bytes.get(byte..byte + 16) {
            Some(window) => u128::from_be_bytes(window.try_into().ok()?),
            None => {
                let mut window = [0; 16];
                let rest = &self.bytes[byte..];
                window[..rest.len()].copy_from_slice(rest);
                u128::from_be_bytes(window)
            }
        };
        Some((wide << skip >> (128 - count)) as u64)
    }

    /// Go's `binary.ReadUvarint`.
    pub(super) fn read_uvarint(&mut self) -> Option<u64> {
        let mut word = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.read_bits(8)?;
            word |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(word);
            }
        }
        None
    }

    /// Go's `binary.ReadVarint`.
    pub(super) fn read_varint(&mut self) -> Option<i64> {
        let word = self.read_uvarint()?;
        Some((word >> 1) as i64 ^ -((word & 1) as i64))
    }
}
