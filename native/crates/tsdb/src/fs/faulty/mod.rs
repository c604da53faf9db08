//! A disk in memory that keeps what was written apart from what is durable, and fails when told.
//!
//! What a file holds is durable when the file was synced, what a directory holds when the directory was: a file that was
//! synced under a name that was not is lost to a power failure. Of everything else a power failure leaves what it likes.
//!
//! * [`contents`]: a file, with what a power failure leaves of it.
//! * [`directory`]: the same for names.
//! * [`disk`]: both as a tree.
//! * [`fault`]: what goes wrong, and when.
//! * [`handle`]: a file open for appending.

mod chance;
mod contents;
mod directory;
mod disk;
mod fault;
mod handle;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use contents::Contents;
use directory::Inode;
use disk::Disk;
use fault::Schedule;
use handle::FaultyFile;

use super::{File, Fs, Mapped, missing};

pub use chance::Chance;
pub use fault::Fault;

/// A disk in memory. Cloning shares the disk.
#[derive(Clone, Debug, Default)]
pub struct FaultyFs {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    disk: Disk,
    schedule: Schedule,
}

impl State {
    /// Bytes that still fit, `None` without end.
    fn room(&self) -> Option<usize> {
        self.schedule.capacity.map(|capacity| capacity.saturating_sub(self.disk.used()))
    }
}

impl From<Disk> for FaultyFs {
    fn from(disk: Disk) -> Self {
        Self { state: Arc::new(Mutex::new(State { disk, schedule: Schedule::default() })) }
    }
}

impl FaultyFs {
    /// An empty disk without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls that change something, so far: where faults can be put. A method of [`Fs`] that takes several steps, such as
    /// a rename that is then made durable, counts as several.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state.lock().schedule.calls
    }

    /// Puts a fault at a call, counted from 0.
    pub fn fail_at(&self, call: u64, fault: Fault) {
        self.state.lock().schedule.faults.insert(call, fault);
    }

    /// Files that were opened for reading, so far.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.state.lock().schedule.reads
    }

    /// The file that is opened as the `read`th is read with one bit flipped: the `bit`th, modulo the bits it has.
    pub fn flip_at(&self, read: u64, bit: u64) {
        self.state.lock().schedule.flips.insert(read, bit);
    }

    /// The disk takes no more than so many bytes from now on; `None` for no end.
    pub fn set_capacity(&self, bytes: Option<usize>) {
        self.state.lock().schedule.capacity = bytes;
    }

    /// Bytes of all files.
    #[must_use]
    pub fn used(&self) -> usize {
        self.state.lock().disk.used()
    }

    /// True when a sync failed to write something that is still in a file: whatever later syncs say, a power failure may
    /// take it.
    #[must_use]
    pub fn has_given_up(&self) -> bool {
        self.state.lock().disk.files().iter().any(|file| file.has_given_up())
    }

    /// True after a [`Fault::Crash`].
    #[must_use]
    pub fn has_crashed(&self) -> bool {
        self.state.lock().schedule.crashed
    }

    /// The disk after the process died: everything that was handed over is there, as the page cache keeps it.
    #[must_use]
    pub fn after_process_crash(&self) -> Self {
        self.state.lock().disk.clone().into()
    }

    /// The disk after the power failed at the worst: only what was synced is there.
    #[must_use]
    pub fn after_power_failure(&self) -> Self {
        self.state.lock().disk.survivor(None).into()
    }

    /// The disk after the power failed: what was synced is there, and of the rest what chance leaves.
    #[must_use]
    pub fn after_power_failure_by_chance(&self, seed: u64) -> Self {
        self.state.lock().disk.survivor(Some(Chance::new(seed))).into()
    }

    /// The bytes of a file.
    #[must_use]
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state.lock();
        state.disk.find(path).and_then(|inode| state.disk.file(inode)).ok().map(|file| file.bytes().to_vec())
    }

    /// Puts a file on the disk, durably, with the directories above it. Counts as no call.
    ///
    /// # Panics
    /// When the path cannot be that of a file.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let disk = &mut self.state.lock().disk;
        let put = || -> io::Result<()> {
            let dirs: Vec<&Path> = path.ancestors().skip(1).collect();
            for dir in dirs.into_iter().rev().filter(|dir| dir.parent().is_some()) {
                if disk.find(dir).is_err() {
                    disk.create_dir(dir)?;
                    sync_parent(disk, dir)?;
                }
            }
            match disk.find(path) {
                Ok(inode) => *disk.file_mut(inode)? = Contents::durable(bytes),
                Err(_) => {
                    disk.create(path, Contents::durable(bytes))?;
                }
            }
            sync_parent(disk, path)
        };
        if let Err(e) = put() {
            panic!("no place for a file: {}: {e}", path.display());
        }
    }

    fn change<T>(&self, apply: impl FnOnce(&mut State, Option<Fault>) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state.lock();
        let fault = state.schedule.next()?;
        apply(&mut state, fault)
    }

    fn change_whole<T>(&self, apply: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        self.change(|state, fault| match fault {
            None => apply(state),
            Some(fault) => Err(fault.error()),
        })
    }

    fn sync_inode(&self, inode: Inode) -> io::Result<()> {
        self.change(|state, fault| {
            let file = state.disk.file_mut(inode)?;
            let Some(fault) = fault else {
                file.sync();
                return Ok(());
            };
            if fault != Fault::Crash {
                file.fail_sync();
            }
            Err(fault.error())
        })
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut state = self.state.lock();
        let bytes = state.disk.find(path).and_then(|inode| state.disk.file(inode))?.bytes().to_vec();
        Ok(state.schedule.read(bytes))
    }
}

fn sync_parent(disk: &mut Disk, path: &Path) -> io::Result<()> {
    let parent = path.parent().ok_or_else(|| io::Error::from(ErrorKind::InvalidInput))?;
    let parent = disk.find(parent)?;
    disk.dir_mut(parent)?.sync();
    Ok(())
}

impl Fs for FaultyFs {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let (missing, existing) = missing(dir, |dir| self.state.lock().disk.find(dir).is_ok());
        if let Some(existing) = existing.filter(|dir| dir.parent().is_some()) {
            self.change_whole(|state| sync_parent(&mut state.disk, existing))?;
        }
        for dir in missing {
            self.change_whole(|state| state.disk.create_dir(dir))?;
            self.change_whole(|state| sync_parent(&mut state.disk, dir))?;
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state.lock();
        let dir = state.disk.dir(state.disk.find(dir)?)?;
        Ok(dir.entries().keys().cloned().collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let inode = self.change_whole(|state| match state.room() {
            Some(0) => Err(io::Error::from(ErrorKind::StorageFull)),
            _ => state.disk.create(path, Contents::default()),
        })?;
        Ok(Box::new(FaultyFile { fs: self.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn io::Read + Send>> {
        Ok(Box::new(io::Cursor::new(self.read(path)?)))
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        let state = self.state.lock();
        state.disk.find(path).and_then(|inode| state.disk.file(inode)).map(|file| file.bytes().len() as u64)
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        let inode = self.change_whole(|state| {
            let inode = state.disk.find(path)?;
            state.disk.file_mut(inode)?.truncate(len as usize);
            Ok(inode)
        })?;
        self.sync_inode(inode)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.change_whole(|state| state.disk.unlink(path))
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        for name in self.list(dir)? {
            let path = dir.join(name);
            if self.list(&path).is_ok() {
                self.remove_dir_all(&path)?;
            } else {
                self.remove_file(&path)?;
            }
        }
        self.change_whole(|state| state.disk.unlink(dir))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change_whole(|state| state.disk.rename(from, to))?;
        self.change_whole(|state| sync_parent(&mut state.disk, to))
    }

    fn map(&self, path: &Path) -> io::Result<Mapped> {
        Ok(Mapped::memory(self.read(path)?))
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let inode = self.state.lock().disk.find(path)?;
        self.sync_inode(inode)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.change_whole(|state| {
            let dir = state.disk.find(dir)?;
            state.disk.dir_mut(dir)?.sync();
            Ok(())
        })
    }
}
