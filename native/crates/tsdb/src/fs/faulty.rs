//! A disk in memory that keeps what was written apart from what is durable, and fails when told.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{File, Fs, Mapped};

/// What goes wrong at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call does nothing and reports an I/O error.
    Error,
    /// The disk is full: an append keeps half of its bytes and reports it.
    Full,
    /// The process dies here: an append keeps half of its bytes, and every later call fails.
    Crash,
}

/// A disk in memory. Cloning shares the disk.
#[derive(Clone, Debug, Default)]
pub struct FaultyFs {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug, Default)]
struct Disk {
    files: BTreeMap<PathBuf, Contents>,
    dirs: Vec<PathBuf>,
    calls: u64,
    faults: BTreeMap<u64, Fault>,
    crashed: bool,
}

#[derive(Clone, Debug, Default)]
struct Contents {
    bytes: Vec<u8>,
    durable: usize,
}

impl FaultyFs {
    /// An empty disk without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls that change something, so far: where faults can be put.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.disk.lock().calls
    }

    /// Puts a fault at a call, counted from 0.
    pub fn fail_at(&self, call: u64, fault: Fault) {
        self.disk.lock().faults.insert(call, fault);
    }

    /// True after a [`Fault::Crash`].
    #[must_use]
    pub fn has_crashed(&self) -> bool {
        self.disk.lock().crashed
    }

    /// The disk after the process died: everything that was handed over is there, as the page cache keeps it.
    #[must_use]
    pub fn after_process_crash(&self) -> Self {
        let disk = self.disk.lock();
        let copy = Disk { files: disk.files.clone(), dirs: disk.dirs.clone(), ..Disk::default() };
        Self { disk: Arc::new(Mutex::new(copy)) }
    }

    /// The disk after the power failed: only what was synced is there.
    #[must_use]
    pub fn after_power_failure(&self) -> Self {
        let survivor = self.after_process_crash();
        for contents in survivor.disk.lock().files.values_mut() {
            contents.bytes.truncate(contents.durable);
        }
        survivor
    }

    /// The bytes of a file.
    #[must_use]
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        self.disk.lock().files.get(path).map(|contents| contents.bytes.clone())
    }

    /// Puts a file on the disk, durably.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let durable = bytes.len();
        self.disk.lock().files.insert(path.to_owned(), Contents { bytes, durable });
    }

    fn change<T>(&self, apply: impl FnOnce(&mut Disk, Option<Fault>) -> io::Result<T>) -> io::Result<T> {
        let mut disk = self.disk.lock();
        if disk.crashed {
            return Err(io::Error::other("the process is dead"));
        }
        let call = disk.calls;
        disk.calls += 1;
        let fault = disk.faults.get(&call).copied();
        if fault == Some(Fault::Crash) {
            disk.crashed = true;
        }
        apply(&mut disk, fault)
    }

    fn change_whole(&self, apply: impl FnOnce(&mut Disk) -> io::Result<()>) -> io::Result<()> {
        self.change(|disk, fault| match fault {
            None => apply(disk),
            Some(fault) => Err(fault.error()),
        })
    }
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Self::Error => io::Error::other("simulated I/O error"),
            Self::Full => io::Error::from(ErrorKind::StorageFull),
            Self::Crash => io::Error::other("simulated crash"),
        }
    }
}

impl Disk {
    fn file(&mut self, path: &Path) -> io::Result<&mut Contents> {
        self.files.get_mut(path).ok_or_else(|| io::Error::from(ErrorKind::NotFound))
    }
}

impl Fs for FaultyFs {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.change_whole(|disk| {
            for dir in dir.ancestors() {
                if !disk.dirs.iter().any(|known| known == dir) {
                    disk.dirs.push(dir.to_owned());
                }
            }
            Ok(())
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let disk = self.disk.lock();
        let entries = disk.files.keys().chain(&disk.dirs).filter(|path| path.parent() == Some(dir));
        let mut names: Vec<_> =
            entries.filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned()).collect();
        if names.is_empty() && !disk.dirs.iter().any(|known| known == dir) {
            return Err(io::Error::from(ErrorKind::NotFound));
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.change_whole(|disk| {
            if disk.files.contains_key(path) {
                return Err(io::Error::from(ErrorKind::AlreadyExists));
            }
            disk.files.insert(path.to_owned(), Contents::default());
            Ok(())
        })?;
        Ok(Box::new(FaultyFile { fs: self.clone(), path: path.to_owned() }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn io::Read + Send>> {
        let bytes = self.disk.lock().file(path)?.bytes.clone();
        Ok(Box::new(io::Cursor::new(bytes)))
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        Ok(self.disk.lock().file(path)?.bytes.len() as u64)
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.change_whole(|disk| {
            let file = disk.file(path)?;
            file.bytes.truncate(len as usize);
            file.durable = file.bytes.len();
            Ok(())
        })
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.change_whole(|disk| {
            disk.files.remove(path).map(|_| ()).ok_or_else(|| io::Error::from(ErrorKind::NotFound))
        })
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.change_whole(|disk| {
            if !disk.dirs.iter().any(|known| known == dir) {
                return Err(io::Error::from(ErrorKind::NotFound));
            }
            disk.files.retain(|path, _| !path.starts_with(dir));
            disk.dirs.retain(|path| !path.starts_with(dir));
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change_whole(|disk| {
            if let Some(contents) = disk.files.remove(from) {
                disk.files.insert(to.to_owned(), contents);
                return Ok(());
            }
            if !disk.dirs.iter().any(|known| known == from) {
                return Err(io::Error::from(ErrorKind::NotFound));
            }
            if disk.dirs.iter().any(|known| known == to) {
                return Err(io::Error::from(ErrorKind::AlreadyExists));
            }
            let moved = |path: &PathBuf| match path.strip_prefix(from) {
                Ok(rest) if rest.as_os_str().is_empty() => to.to_owned(),
                Ok(rest) => to.join(rest),
                Err(_) => path.clone(),
            };
            disk.dirs = disk.dirs.iter().map(moved).collect();
            disk.files = std::mem::take(&mut disk.files).into_iter().map(|(path, c)| (moved(&path), c)).collect();
            Ok(())
        })
    }

    fn map(&self, path: &Path) -> io::Result<Mapped> {
        Ok(Mapped::memory(self.disk.lock().file(path)?.bytes.clone()))
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        self.change_whole(|_| Ok(()))
    }
}

struct FaultyFile {
    fs: FaultyFs,
    path: PathBuf,
}

impl File for FaultyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.fs.change(|disk, fault| {
            let file = disk.file(&self.path)?;
            match fault {
                None => {
                    file.bytes.extend_from_slice(bytes);
                    Ok(())
                }
                Some(fault) => {
                    if fault != Fault::Error {
                        file.bytes.extend_from_slice(&bytes[..bytes.len() / 2]);
                    }
                    Err(fault.error())
                }
            }
        })
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.fs.change_whole(|disk| {
            let file = disk.file(&self.path)?;
            file.bytes.truncate(len as usize);
            file.durable = file.durable.min(file.bytes.len());
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.fs.change_whole(|disk| {
            let file = disk.file(&self.path)?;
            file.durable = file.bytes.len();
            Ok(())
        })
    }
}
