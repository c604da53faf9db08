//! A writer of protobuf's wire format. Fields that have their default value are left out, as proto3 wants it.

use crate::proto::{BYTES, FIXED64, VARINT};

/// A message that is being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub(crate) fn bytes_so_far(&self) -> &[u8] {
        &self.out
    }

    pub(crate) fn clear(&mut self) {
        self.out.clear();
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    pub(crate) fn raw_varint(&mut self, mut v: u64) {
        while v >= 0x80 {
            self.out.push(v as u8 | 0x80);
            v >>= 7;
        }
        self.out.push(v as u8);
    }

    fn tag(&mut self, field: u32, wire_type: u8) {
        self.raw_varint(u64::from(field) << 3 | u64::from(wire_type));
    }

    pub(crate) fn varint(&mut self, field: u32, v: u64) {
        if v != 0 {
            self.always_varint(field, v);
        }
    }

    /// A field of a `oneof`, which is written whatever its value is.
    pub(crate) fn always_varint(&mut self, field: u32, v: u64) {
        self.tag(field, VARINT);
        self.raw_varint(v);
    }

    pub(crate) fn sint(&mut self, field: u32, v: i64) {
        self.varint(field, ((v << 1) ^ (v >> 63)) as u64);
    }

    /// Negative zero counts as zero, as it does for Go.
    pub(crate) fn double(&mut self, field: u32, v: f64) {
        if v != 0.0 {
            self.always_double(field, v);
        }
    }

    /// A field of a `oneof`, which is written whatever its value is.
    pub(crate) fn always_double(&mut self, field: u32, v: f64) {
        self.tag(field, FIXED64);
        self.out.extend_from_slice(&v.to_le_bytes());
    }

    /// A text or bytes that are left out when empty.
    pub(crate) fn text(&mut self, field: u32, text: &str) {
        if !text.is_empty() {
            self.message(field, text.as_bytes());
        }
    }

    /// A message that is written even when empty: an element of a list.
    pub(crate) fn message(&mut self, field: u32, message: &[u8]) {
        self.tag(field, BYTES);
        self.raw_varint(message.len() as u64);
        self.out.extend_from_slice(message);
    }

    pub(crate) fn doubles(&mut self, field: u32, values: &[f64]) {
        if !values.is_empty() {
            self.tag(field, BYTES);
            self.raw_varint(values.len() as u64 * 8);
            values.iter().for_each(|v| self.out.extend_from_slice(&v.to_le_bytes()));
        }
    }
}
