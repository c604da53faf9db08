//! Go's variable-length integers, as the records use them.

/// Appends an unsigned integer.
pub fn put_uvarint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Appends a signed integer, zigzag encoded.
pub fn put_varint(out: &mut Vec<u8>, n: i64) {
    put_uvarint(out, ((n << 1) ^ (n >> 63)) as u64);
}

/// Appends a string with its length before it.
pub fn put_str(out: &mut Vec<u8>, text: &str) {
    put_uvarint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// The record ends early, or a number in it is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Reads the parts of a record from front to back.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of some bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// True at the end.
    pub fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes left.
    pub fn len(self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        let (&first, rest) = self.rest.split_first().ok_or(Malformed)?;
        self.rest = rest;
        Ok(first)
    }

    #[inline]
    pub fn uvarint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for (i, &byte) in self.rest.iter().enumerate().take(10) {
            if byte < 0x80 {
                if i == 9 && byte > 1 {
                    return Err(Malformed);
                }
                self.rest = &self.rest[i + 1..];
                return Ok(value | u64::from(byte) << (7 * i));
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
        }
        Err(Malformed)
    }

    #[inline]
    pub fn varint(&mut self) -> Result<i64, Malformed> {
        let n = self.uvarint()?;
        Ok((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    #[inline]
    pub fn be64(&mut self) -> Result<u64, Malformed> {
        let (bytes, rest) = self.rest.split_first_chunk::<8>().ok_or(Malformed)?;
        self.rest = rest;
        Ok(u64::from_be_bytes(*bytes))
    }

    #[inline]
    pub fn float(&mut self) -> Result<f64, Malformed> {
        Ok(f64::from_bits(self.be64()?))
    }

    /// Bytes with their length before them.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let n = usize::try_from(self.uvarint()?).map_err(|_| Malformed)?;
        let (bytes, rest) = self.rest.split_at_checked(n).ok_or(Malformed)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// A string with its length before it; Prometheus lets only UTF-8 in.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    /// A count of things of at least `min_bytes` each: more than the rest can hold is malformed, so that nothing is
    /// allocated for a lie.
    pub fn count(&mut self, min_bytes: usize) -> Result<usize, Malformed> {
        let n = usize::try_from(self.uvarint()?).map_err(|_| Malformed)?;
        if n > self.rest.len() / min_bytes { Err(Malformed) } else { Ok(n) }
    }
}
