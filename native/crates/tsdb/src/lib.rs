//! The database of one tenant, in the formats of the Prometheus TSDB.
//!
//! # On disk
//!
//! A database is a directory. It holds blocks, see below, and the write-ahead log, in `wal/`: segments `00000000`, `00000001`... and
//! checkpoints `checkpoint.00000005`, each a directory that is itself such a log and stands for all segments up to 5.
//! Sources: Prometheus `tsdb/docs/format/wal.md`, `tsdb/wlog`, `tsdb/record`, `tsdb/docs/format/chunks.md`,
//! `tsdb/chunkenc`; where the documents and the code differ, the code.
//!
//! Segments, pages and fragments are described in [`wal`], the records in [`wal::record`], byte by byte. What holds:
//!
//! * A fragment does not cross a page of 32 KiB, a record does not cross a segment, and neither does a batch of records
//!   that [`wal::write::Writer::log`] got: it is in the log wholly or, after an error, not at all.
//! * What `log` acknowledged has been handed to the operating system, so the death of the process does not touch it. It
//!   is durable when its segment was ended or closed, when the database was opened again, or when a block has it; not
//!   before. A sync that fails is not made good: what the kernel gave up there is seen until the power fails.
//! * Only the end of the last segment can be torn. A start cuts it off; what comes then is in a new segment, which
//!   begins with the first append.
//! * A record names series by numbers; the record with a series comes before those that name it.
//!
//! Samples that come after newer ones of their series, within the tenant's window, are in a log of their own, in `wbl/`,
//! and in the same format: records of floats and histograms, whose series the write-ahead log has, and markers of chunks in
//! files that hold samples which the log has before them. It is made when the first such sample comes. What holds:
//!
//! * A request is in both logs when it is acknowledged: in the write-ahead log first, and taken back from there when it
//!   cannot be put into the other.
//! * A start replays it after the write-ahead log, samples of any age. It, too, can be torn at the end alone.
//! * Its segments go when blocks have all that is in them. A death before that leaves samples in both, which read as one.
//! * Blocks of such samples have the hint `from-out-of-order` in their meta.json and overlap others. They say nothing of
//!   where a replay of the write-ahead log begins.
//!
//! Beside the log there are files of the head's full chunks in `chunks_head/`, see [below](#head-chunk-files): they spare
//! memory and make a start quick, and what of them is lost the log has.
//!
//! A database that was closed may have a [`snapshot`] of its head, `chunk_snapshot.000012.0000345678`, which spares a start
//! the records of the log up to where it was made. What holds:
//!
//! * A start from it goes over the bytes of the log before it all the same. If something is damaged or missing there, a
//!   checkpoint of the whole head takes the place of the log before the first new sample is taken: the directory is whole
//!   with the snapshot and without.
//! * A start without it removes it.
//!
//! Blocks, directories named by ULIDs, are described in [`mod@block`] and [`index`]: what the samples of two hours become.
//!
//! # Head chunk files
//!
//! `chunks_head/000001`, `000002`... without gaps, read and written by [`chunk_files`]. Sources: Prometheus
//! `tsdb/docs/format/head_chunks.md`, `tsdb/chunks/head_chunks.go`. A file begins with the magic `01 30 bc 91`, the
//! version 1 and three bytes of zeros. Chunks follow each other:
//!
//! | bytes | what |
//! |---|---|
//! | 8, big endian | number of the series in the log, never 0 |
//! | 8, big endian | time of the first sample |
//! | 8, big endian | time of the last sample |
//! | 1 | encoding; the highest bit is set when the samples came out of order |
//! | uvarint | length of the chunk |
//! | length | the chunk |
//! | 4, big endian | CRC-32C of all before |
//!
//! A file may be longer than its chunks, which 24 bytes of zeros tell, or fewer up to its end. A chunk is named by the
//! number of its file in the high four bytes and the offset of its first byte in the low four. A file is ended before it
//! exceeds 128 MiB, when a start goes on after it, and when the head is truncated. What holds:
//!
//! * A chunk is written when it is full, some time after the log got its last sample; of one series one after the other.
//! * A file goes when no series of the head has a chunk in it, the oldest first.
//! * A start takes the chunks up to the first damage, and cuts off the rest. It passes over chunks that are of no use: of
//!   series that the log does not name, of unknown encodings, before the end of the newest block or on both sides of a
//!   border of blocks, and those that overlap others of their series.
//! * Of chunks of samples out of order it takes those that the log of such samples has markers of, when it comes to them.
//! * The logs have every sample of these files that is not in a block. The replay takes from them what no chunk has, so
//!   that it does not matter what else is lost.
//!
//! # In memory and in chunk files
//!
//! All chunks are streams of bits, the most significant first, padded with zeros to a whole byte. Times are milliseconds.
//! `varint` and `uvarint` are Go's, byte by byte, at any bit. `varbit` is a number in one of nine codes, of which the
//! shortest that holds it is taken: as many ones as its place in this list, a zero (none after eight ones), and so many
//! bits: 0, 3, 6, 9, 12, 18, 25, 56, 64. A signed number of n bits lies between -(2^(n-1) - 1) and 2^(n-1), which is one
//! more than two's complement has. `xor` is a float by the bits in which it differs from the one before:
//!
//! | bits | meaning |
//! |---|---|
//! | `0` | the same |
//! | `10`, bits | differs within the window of the last difference |
//! | `11`, 5 bits leading zeros, 6 bits length (0 for 64), bits | differs, and this is the new window |
//!
//! Before the first window a reader takes the whole word for one.
//!
//! ## Float chunk
//!
//! Encoding 1, [`chunk::xor`]. Two bytes: number of samples, big endian. Then the samples:
//!
//! | sample | time | value |
//! |---|---|---|
//! | first | varint | 64 bits |
//! | second | uvarint, delta to the first | xor |
//! | others | delta of deltas: `0` for zero, `10` and 14 bits, `110` and 17, `1110` and 20, `1111` and 64 | xor |
//!
//! ## Histogram chunk
//!
//! Encoding 2, [`chunk::histogram`]. Two bytes: number of samples, big endian. One byte, of which the high two bits tell
//! of a counter reset before the chunk: `10` there was one, `01` there was none, `00` unknown, `11` the samples are
//! gauges. Then what all samples have in common:
//!
//! 1. zero threshold: a byte 0 for zero, n of 1 to 254 for 2^(n - 244), or 255 and 64 bits;
//! 2. schema: varbit;
//! 3. positive, then negative spans: unsigned varbit count, and for each unsigned varbit length, varbit offset;
//! 4. with schema -53 the custom bounds: unsigned varbit count, and for each an unsigned varbit of its thousandths plus
//!    one, if they are whole and at most 33554430, or `0` and 64 bits.
//!
//! Then the samples, buckets being deltas to the bucket before:
//!
//! | sample | time | count | zero count | sum | buckets, positive then negative |
//! |---|---|---|---|---|---|
//! | first | varbit | unsigned varbit | unsigned varbit | 64 bits | varbit each |
//! | others | varbit, delta of deltas | varbit, delta of deltas | the same | xor | varbit each, delta of deltas |
//!
//! A stale sample has a sum that is the staleness marker, and no buckets. In a chunk of counters nothing goes down, and
//! no sample that is not stale comes after one that is. A histogram with buckets that the chunk lacks makes the chunk be
//! written anew; one that lacks empty buckets of the chunk gets them.
//!
//! ## Float histogram chunk
//!
//! Encoding 3, [`chunk::float_histogram`]. As encoding 2, but count, zero count, sum and buckets, which are absolute, are
//! 64 bits each in the first sample and `xor` in the others, each value with a window of its own.

pub mod block;
pub mod chunk;
pub mod chunk_files;
pub mod clock;
pub mod compact;
pub mod error;
pub mod failpoint;
pub mod fs;
pub mod head;
pub mod index;
mod local;
mod merge;
pub mod postings;
pub mod read_only;
mod selections;
mod series_count;
pub mod snapshot;
pub mod tsdb;
mod upkeep;
mod varint;
pub mod wal;

pub use block::{Block, Ulid};
pub use clock::{Clock, ManualClock, SystemClock};
pub use compact::Compacted;
pub use error::TsdbError;
pub use head::MetadataOutcome;
pub use read_only::ReadOnlyTsdb;
pub use selections::SelectionCache;
pub use series_count::SeriesCount;
pub use tsdb::{Options, Tsdb, WalCompression};
pub use upkeep::{Due, Tally, UpkeepStats};
