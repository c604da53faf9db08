//! What goes wrong, and when.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};

/// What goes wrong at a call that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call does nothing and reports an I/O error. A sync that fails so has lost what it should have written: a later
    /// one does not try again.
    Error,
    /// An I/O error half-way: an append keeps half of its bytes and reports it.
    Short,
    /// The disk is full: an append keeps half of its bytes and reports it.
    Full,
    /// The process dies here: an append keeps half of its bytes, and every later call fails.
    Crash,
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Error, Self::Short, Self::Full, Self::Crash];

    pub(super) fn error(self) -> io::Error {
        match self {
            Self::Error | Self::Short => io::Error::other("simulated I/O error"),
            Self::Full => io::Error::from(ErrorKind::StorageFull),
            Self::Crash => io::Error::other("simulated crash"),
        }
    }

    /// How many of `n` bytes an append keeps.
    pub(super) fn kept(self, n: usize) -> usize {
        if self == Self::Error { 0 } else { n / 2 }
    }
}

/// Faults by the calls they hit.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    pub(super) calls: u64,
    pub(super) faults: BTreeMap<u64, Fault>,
    pub(super) crashed: bool,
    pub(super) reads: u64,
    /// Reads that find a bit flipped: which bit, modulo the length of the file.
    pub(super) flips: BTreeMap<u64, u64>,
    /// Bytes that the disk has room for.
    pub(super) capacity: Option<usize>,
}

impl Schedule {
    /// Counts a call that changes something; gives what goes wrong at it.
    pub(super) fn next(&mut self) -> io::Result<Option<Fault>> {
        if self.crashed {
            return Err(io::Error::other("the process is dead"));
        }
        let fault = self.faults.get(&self.calls).copied();
        self.calls += 1;
        self.crashed = fault == Some(Fault::Crash);
        Ok(fault)
    }

    /// Counts the reading of a file, and flips a bit in what is read if told so.
    pub(super) fn read(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let flip = self.flips.get(&self.reads).filter(|_| !bytes.is_empty());
        if let Some(bit) = flip {
            let bit = *bit % (bytes.len() as u64 * 8);
            bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
        }
        self.reads += 1;
        bytes
    }
}
