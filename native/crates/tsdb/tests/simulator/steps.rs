//! What can happen.

use neocortex_tsdb::fs::{Chance, Fault};

/// One step of a history.
#[derive(Clone, Debug)]
pub enum Step {
    /// A request of new samples: of so many series from one on, so long after the newest sample there is.
    Append {
        first: usize,
        series: usize,
        pause_ms: i64,
    },
    /// A sample from the past: refused, or taken out of order.
    AppendLate {
        series: usize,
        back_ms: i64,
    },
    /// The last request comes again, as clients do that got no answer.
    Resend,
    /// Everything between two times, given as parts of 256 of all the time there is, is read.
    Read {
        from: usize,
        to: usize,
    },
    /// A reader selects, and reads only later.
    Select,
    /// That reader reads.
    ReadSelected,
    Compact,
    Flush,
    /// Blocks that may go are removed: all of them, or those whose bits are set.
    RemoveExpired {
        shipped: Option<u64>,
    },
    /// Full chunks go to files.
    Map,
    /// The database is removed, and another one begins in its place.
    Remove,
    /// One of several descriptions of a metric is sent.
    SendMetadata {
        metric: usize,
        description: usize,
    },
    /// All metadata is purged.
    PurgeMetadata,
    /// The database is closed and opened again.
    Stop,
    /// The process dies and comes back.
    Kill,
    /// The machine loses power; without a seed, everything that it may lose.
    PowerOff {
        seed: Option<u64>,
    },
    /// The call after so many others goes wrong.
    Fail {
        after: u64,
        fault: Fault,
    },
    /// The disk has room for so many bytes more.
    Fill {
        room: usize,
    },
    /// The disk has room again.
    Free,
    /// A read after so many others finds a bit flipped.
    Flip {
        after: u64,
        bit: u64,
    },
}

/// A run's kind of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    /// Calls fail, disks fill up.
    pub faults: bool,
    /// Reads find flipped bits.
    pub flips: bool,
    /// Databases write snapshots when they are closed, and start from them; some do not.
    pub snapshots: bool,
}

impl Step {
    /// The next step.
    pub fn any(chance: &mut Chance, mix: Mix, range_ms: i64) -> Self {
        let mut up_to = |most: usize| chance.up_to(most);
        match up_to(99) {
            0..40 => {
                let most = [5, 5, 5, 40][up_to(3)];
                let pause_ms = 1 + up_to(range_ms as usize / 3) as i64;
                Self::Append { first: up_to(60), series: 1 + up_to(most), pause_ms }
            }
            40..48 => Self::AppendLate { series: up_to(60), back_ms: up_to(2 * range_ms as usize) as i64 },
            48..50 => Self::Resend,
            50..53 => Self::Read { from: up_to(256), to: up_to(256) },
            53..55 => Self::SendMetadata { metric: up_to(4), description: up_to(2) },
            55 => match up_to(3) {
                0 => Self::Remove,
                _ => Self::PurgeMetadata,
            },
            56..59 => Self::Select,
            59..62 => Self::ReadSelected,
            62..69 => Self::Compact,
            69 => Self::Map,
            70 => Self::RemoveExpired { shipped: None },
            71 => Self::RemoveExpired { shipped: Some(chance.bits()) },
            72..74 => Self::Flush,
            74..76 => Self::Stop,
            76..80 => Self::Kill,
            80..82 => Self::PowerOff { seed: None },
            82..86 => Self::PowerOff { seed: Some(chance.bits()) },
            86..96 if mix.faults => Self::fault(chance),
            96.. if mix.flips => Self::Flip { after: up_to(20) as u64, bit: chance.bits() },
            _ => Self::Compact,
        }
    }

    fn fault(chance: &mut Chance) -> Self {
        match chance.up_to(6) {
            0 => Self::Fill { room: chance.up_to(20_000) },
            1 | 2 => Self::Free,
            _ => {
                let fault = Fault::ALL[chance.up_to(Fault::ALL.len() - 1)];
                // An append is one call, a compaction many.
                let most = [6, 40][chance.up_to(1)];
                Self::Fail { after: chance.up_to(most) as u64, fault }
            }
        }
    }
}
