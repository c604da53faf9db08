//! Files that do not change, as memory.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;

/// Up to this length, in bytes, files are read and not mapped: Linux allows a process 65,530 mappings unless it is told
/// otherwise (`vm.max_map_count`), and thousands of small tenants have as many blocks of two files each.
const MAX_READ: usize = 64 << 10;

/// Bytes of a file that do not change while they are mapped: files of blocks are complete before they get their name and
/// are only ever removed; files of head chunks are appended to, behind what is mapped. Should the disk fail to deliver a
/// page, the process gets a signal, as Prometheus does.
pub struct Mapped(Bytes);

enum Bytes {
    Memory(Vec<u8>),
    File { start: NonNull<u8>, len: usize },
}

// SAFETY: the mapping is private, read-only, and owned by this value alone until it is dropped.
unsafe impl Send for Bytes {}
// SAFETY: as above; shared references only read.
unsafe impl Sync for Bytes {}

impl Mapped {
    /// Bytes that are in memory already.
    pub(super) fn memory(bytes: Vec<u8>) -> Self {
        Self(Bytes::Memory(bytes))
    }

    /// The bytes of a file that is at its start.
    pub(super) fn file(mut file: &File) -> io::Result<Self> {
        let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        if len <= MAX_READ {
            let mut bytes = vec![0; len];
            file.read_exact(&mut bytes)?;
            return Ok(Self::memory(bytes));
        }
        // SAFETY: a new read-only mapping of a file that is open, at a place the kernel chooses; nothing is overwritten.
        let start =
            unsafe { libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0) };
        match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast() != libc::MAP_FAILED => Ok(Self(Bytes::File { start, len })),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Memory(bytes) => bytes,
            // SAFETY: the mapping has `len` readable bytes and lives as long as `self`.
            Bytes::File { start, len } => unsafe { std::slice::from_raw_parts(start.as_ptr(), *len) },
        }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if let Self::File { start, len } = self {
            // SAFETY: mapped by `Mapped::file` with this length; nobody borrows from it any more.
            unsafe { libc::munmap(start.as_ptr().cast(), *len) };
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the files that are mapped")]
mod tests {
    use super::*;

    fn mapped(len: usize) -> (Vec<u8>, Mapped) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chunks");
        let bytes: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let mapped = Mapped::file(&File::open(&path).unwrap()).unwrap();
        // Whoever has a block can read it after it was removed.
        std::fs::remove_file(&path).unwrap();
        (bytes, mapped)
    }

    #[test]
    fn small_files_are_read() {
        for len in [0, 1, MAX_READ] {
            let (bytes, mapped) = mapped(len);
            assert!(matches!(&mapped.0, Bytes::Memory(read) if read.capacity() == len), "{len} bytes");
            assert_eq!(*mapped, *bytes);
        }
    }

    #[test]
    fn large_files_are_mapped() {
        for len in [MAX_READ + 1, 3 * MAX_READ] {
            let (bytes, mapped) = mapped(len);
            assert!(matches!(mapped.0, Bytes::File { len: mapped, .. } if mapped == len), "{len} bytes");
            assert_eq!(*mapped, *bytes);
        }
    }
}
