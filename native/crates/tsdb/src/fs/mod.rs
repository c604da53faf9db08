//! The only door to the disk, so that tests can put a disk behind it that tears and fails.
//!
//! [`RealFs`] is the operating system's; [`FaultyFs`] its twin in memory.

mod faulty;
mod map;
mod real;

use std::io;
use std::path::Path;

pub use faulty::{Chance, Fault, FaultyFs};
pub use map::Mapped;
pub use real::RealFs;

/// The operations on files that the database needs. Paths are used as they are given.
///
/// After the power failed, of all that was not made durable anything may be there: a file without its end or with zeros
/// there, a removed entry, a new one not. Methods make durable what they say and no more.
pub trait Fs: Send + Sync {
    /// Makes a directory and its parents, durably; an existing one is no error.
    ///
    /// # Errors
    /// As every method here: what the operating system says.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Names of the entries of a directory, sorted; `NotFound` when there is no such directory.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Makes a file that must not exist yet, for writing. Its name is durable after [`Self::sync_dir`].
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Opens a file for reading from its start.
    fn open(&self, path: &Path) -> io::Result<Box<dyn io::Read + Send>>;

    /// Length of a file in bytes.
    fn len(&self, path: &Path) -> io::Result<u64>;

    /// Cuts a file to `len` bytes, durably.
    fn truncate(&self, path: &Path, len: u64) -> io::Result<()>;

    /// Removes a file; for good after [`Self::sync_dir`].
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory with everything in it; `NotFound` when there is none. Interrupted, some of it is left; it is gone
    /// for good after [`Self::sync_dir`] of the directory above.
    fn remove_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Gives a file or a directory another name in the directory where it is, at once, and makes the entries of that
    /// directory durable. A file of that name is replaced, a directory must not be there. After an error the entry may have
    /// either name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// What a file has by now, to be read at any place. It may be appended to, but what it has must not change, nor be
    /// cut off.
    fn map(&self, path: &Path) -> io::Result<Mapped>;

    /// Makes the contents of a file durable, whoever wrote them. After an error what was not durable before may never be: a
    /// later call may succeed and yet not have written it.
    fn sync(&self, path: &Path) -> io::Result<()>;

    /// Makes the entries of a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// The directories that are to be made so that there is `dir`, the outermost first, and the one that is there already. Who
/// makes one makes its name durable before he makes the next: so of those that are there, only the innermost may have a
/// name that is not durable, from an attempt that did not get further.
fn missing(dir: &Path, exists: impl Fn(&Path) -> bool) -> (Vec<&Path>, Option<&Path>) {
    let is_missing = |dir: &&Path| !dir.as_os_str().is_empty() && !exists(dir);
    let mut missing: Vec<&Path> = dir.ancestors().take_while(is_missing).collect();
    missing.reverse();
    let existing = missing.first().map_or(Some(dir), |outermost| outermost.parent());
    (missing, existing.filter(|dir| !dir.as_os_str().is_empty()))
}

/// A file open for appending.
pub trait File: Send {
    /// Appends all bytes, or fails with some, none or all of them appended.
    ///
    /// # Errors
    /// What the operating system says.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file to `len` bytes; the next append goes there.
    ///
    /// # Errors
    /// What the operating system says.
    fn truncate(&mut self, len: u64) -> io::Result<()>;

    /// Returns when everything appended is durable.
    ///
    /// # Errors
    /// What the operating system says. Once it failed a later call may succeed without having written what this one should
    /// have.
    fn sync(&mut self) -> io::Result<()>;
}
