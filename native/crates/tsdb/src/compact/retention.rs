//! What goes: the log that blocks stand for, and blocks past retention.

use hashbrown::HashSet;

use super::{Compacted, Compactor};
use crate::block::{Ulid, dir};
use crate::error::TsdbError;
use crate::local::Local;

impl Compactor {
    /// Shortens the log if the head was, and removes blocks past retention.
    pub(super) fn finish(&self, local: &Local, mut compacted: Compacted) -> Result<Compacted, TsdbError> {
        if !compacted.created.is_empty() {
            let mint = dir::end_of_log(&local.blocks());
            local.head().truncate_log(&self.fs, &self.dir.join("wal"), mint, self.wal)?;
        }
        let expired = self.expired(local);
        local.hide_blocks(|block| expired.contains(&block.meta().ulid));
        for ulid in &expired {
            dir::remove(&*self.fs, &self.dir, *ulid)?;
            compacted.deleted.push(*ulid);
        }
        compacted.deleted.sort_unstable();
        Ok(compacted)
    }

    /// Blocks that end as long before the newest block's end as retention is, and blocks marked for removal.
    fn expired(&self, local: &Local) -> HashSet<Ulid> {
        let blocks = local.blocks();
        let newest = blocks.iter().map(|block| block.meta().max_time).max().unwrap_or(i64::MIN);
        let is_expired = |max_time: i64| {
            self.retention_ms > 0 && max_time < newest && newest.saturating_sub(max_time) >= self.retention_ms
        };
        let metas = blocks.iter().map(|block| block.meta());
        metas.filter(|m| m.compaction.deletable || is_expired(m.max_time)).map(|m| m.ulid).collect()
    }
}
