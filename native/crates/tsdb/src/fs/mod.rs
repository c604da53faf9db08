//! The only door to the disk, so that tests can put a disk behind it that tears and fails.

/// The operations on files that the database needs.
pub trait Fs: Send + Sync {}
