//! A reader of protobuf's wire format over borrowed bytes, as strict and with the same texts as the decoders that
//! gogo-protobuf generates for Cortex.

use crate::error::DecodeError;

/// Wire type of varints.
pub const VARINT: u8 = 0;
/// Wire type of eight bytes, little endian.
pub const FIXED64: u8 = 1;
/// Wire type of length-delimited fields.
pub const BYTES: u8 = 2;

/// Number and wire type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Field number, at least 1.
    pub field: u32,
    /// Wire type.
    pub wire_type: u8,
}

impl Tag {
    /// Checks the wire type of a known field.
    pub fn expect(self, wire_type: u8, field: &'static str) -> Result<(), DecodeError> {
        if self.wire_type == wire_type {
            Ok(())
        } else {
            Err(DecodeError::WrongWireType { wire_type: self.wire_type, field })
        }
    }
}

/// A position within one message of a body. Positions are offsets into the whole body.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    body: &'a [u8],
    at: usize,
    message: &'static str,
}

impl<'a> Reader<'a> {
    /// Reads a whole body as one message.
    pub fn new(body: &'a [u8], message: &'static str) -> Self {
        Self { body, at: 0, message }
    }

    /// Reads the part of a body from `at` on to the body's end as one message.
    pub fn starting_at(body: &'a [u8], at: usize, message: &'static str) -> Self {
        Self { body, at, message }
    }

    /// The offset of the next byte.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The bytes of the message that were not read yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.body.get(self.at..).unwrap_or_default()
    }

    /// Passes over so many of the bytes that [`Self::rest`] shows.
    #[inline]
    pub fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// The next field, or `None` at the end of the message.
    #[inline]
    pub fn next(&mut self) -> Result<Option<Tag>, DecodeError> {
        if self.at >= self.body.len() {
            return Ok(None);
        }
        let wire = self.varint()?;
        let wire_type = (wire & 7) as u8;
        let field = (wire >> 3) as i32;
        if wire_type == 4 {
            return Err(DecodeError::EndGroup { message: self.message });
        }
        if field <= 0 {
            return Err(DecodeError::IllegalTag { message: self.message, field, wire });
        }
        Ok(Some(Tag { field: field as u32, wire_type }))
    }

    /// A varint; as Go does, bits above the 64th are lost.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        match self.body.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.body.get(self.at).ok_or(DecodeError::UnexpectedEof)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::IntegerOverflow)
    }

    /// A zigzag varint of 32 bits.
    pub fn sint32(&mut self) -> Result<i32, DecodeError> {
        let v = self.varint()? as u32;
        Ok((v >> 1) as i32 ^ -((v & 1) as i32))
    }

    /// A double.
    #[inline]
    pub fn double(&mut self) -> Result<f64, DecodeError> {
        let bytes = self.body.get(self.at..).and_then(<[u8]>::first_chunk::<8>).ok_or(DecodeError::UnexpectedEof)?;
        self.at += 8;
        Ok(f64::from_le_bytes(*bytes))
    }

    /// A length-delimited field.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let end = self.length()?;
        let bytes = &self.body[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    /// An embedded message; positions stay offsets into the whole body.
    #[inline]
    pub fn message(&mut self, name: &'static str) -> Result<Reader<'a>, DecodeError> {
        let end = self.length()?;
        let inner = Reader { body: &self.body[..end], at: self.at, message: name };
        self.at = end;
        Ok(inner)
    }

    #[inline]
    fn length(&mut self) -> Result<usize, DecodeError> {
        let length = self.varint()? as i64;
        if length < 0 || (self.at as i64).checked_add(length).is_none() {
            return Err(DecodeError::NegativeLength);
        }
        let end = self.at + length as usize;
        if end > self.body.len() { Err(DecodeError::UnexpectedEof) } else { Ok(end) }
    }

    /// Passes over the value of a field that is not known.
    pub fn skip(&mut self, tag: Tag) -> Result<(), DecodeError> {
        let mut open_groups = 0usize;
        let mut wire_type = tag.wire_type;
        loop {
            match wire_type {
                VARINT => {
                    self.varint()?;
                }
                FIXED64 => self.at += 8,
                BYTES => {
                    let length = self.varint()? as i64;
                    if length < 0 || (self.at as i64).checked_add(length).is_none() {
                        return Err(DecodeError::NegativeLength);
                    }
                    self.at += length as usize;
                }
                3 => open_groups += 1,
                4 => open_groups -= 1,
                5 => self.at += 4,
                other => return Err(DecodeError::IllegalWireType(other)),
            }
            if self.at > self.body.len() {
                return Err(DecodeError::UnexpectedEof);
            }
            if open_groups == 0 {
                return Ok(());
            }
            // Inside of a group, neither numbers nor the pairing of ends are looked at, as in Go.
            wire_type = (self.varint()? & 7) as u8;
        }
    }

    /// Values of a repeated varint, packed or one by one.
    pub fn varints(&mut self, tag: Tag, field: &'static str, mut each: impl FnMut(u64)) -> Result<(), DecodeError> {
        match tag.wire_type {
            VARINT => each(self.varint()?),
            BYTES => {
                let mut packed = self.message(self.message)?;
                while packed.at < packed.body.len() {
                    each(packed.varint()?);
                }
            }
            wire_type => return Err(DecodeError::WrongWireType { wire_type, field }),
        }
        Ok(())
    }

    /// Values of a repeated double, packed or one by one.
    pub fn doubles(&mut self, tag: Tag, field: &'static str, out: &mut Vec<f64>) -> Result<(), DecodeError> {
        match tag.wire_type {
            FIXED64 => out.push(self.double()?),
            BYTES => {
                let mut packed = self.message(self.message)?;
                out.reserve((packed.body.len() - packed.at) / 8);
                while packed.at < packed.body.len() {
                    out.push(packed.double()?);
                }
            }
            wire_type => return Err(DecodeError::WrongWireType { wire_type, field }),
        }
        Ok(())
    }
}

/// The signed number of a zigzag varint.
pub fn zigzag(v: u64) -> i64 {
    (v >> 1) as i64 ^ -((v & 1) as i64)
}
