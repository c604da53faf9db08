//! Faults while full chunks go to files, in order or not.

use super::{Fixture, contents, open};
use crate::error::TsdbError;
use crate::fs::{Fault, FaultyFs};
use crate::tsdb::Tsdb;

/// A database that wrote its full chunks to files, of which one call failed.
pub(super) struct Faulted<'a> {
    pub(super) base: &'a Fixture,
    pub(super) fs: FaultyFs,
    pub(super) fault: Fault,
    /// As it goes on.
    pub(super) tsdb: Tsdb,
    pub(super) mapped: Result<u64, TsdbError>,
    /// As another process opened it.
    pub(super) survivor: Tsdb,
    /// For messages.
    pub(super) what: String,
}

/// Every call of writing the full chunks of `base` to files, and of closing it, fails once in each way. Nothing is lost as
/// it goes on, nor when the process dies; then `check` has a look.
pub(super) fn every_fault(base: &Fixture, check: impl Fn(Faulted<'_>)) {
    let expected = base.contents();
    let opened = |fs: &FaultyFs| open(fs, &base.clock, &base.options);
    let (first, last) = {
        let fs = base.fs.after_process_crash();
        let tsdb = opened(&fs);
        let first = fs.calls();
        tsdb.map_chunks().unwrap();
        tsdb.close().unwrap();
        (first, fs.calls())
    };
    assert!(last - first > 8, "several writes");
    for fault in [Fault::Error, Fault::Full, Fault::Crash] {
        for call in first..last {
            let what = format!("{fault:?} at {call}");
            let fs = base.fs.after_process_crash();
            let tsdb = opened(&fs);
            fs.fail_at(call, fault);
            let mapped = tsdb.map_chunks();
            assert!(mapped.is_ok() || fs.calls() > call);
            assert_eq!(contents(&tsdb), expected, "{what}: as it goes on");
            let survivor = opened(&fs.after_process_crash());
            assert_eq!(contents(&survivor), expected, "{what}: after a start");
            check(Faulted { base, fs, fault, tsdb, mapped, survivor, what });
        }
    }
}

impl Faulted<'_> {
    /// What another process finds now, which is all there was.
    pub(super) fn reopened(&self) -> Tsdb {
        let reopened = open(&self.fs.after_process_crash(), &self.base.clock, &self.base.options);
        assert_eq!(contents(&reopened), self.base.contents(), "{}: opened again", self.what);
        reopened
    }
}
