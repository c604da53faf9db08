//! An open file of the faulty disk.

use std::io::{self, ErrorKind};

use super::FaultyFs;
use super::directory::Inode;
use super::fault::Fault;
use crate::fs::File;

/// A file open for appending, whatever it is called meanwhile.
pub(super) struct FaultyFile {
    pub(super) fs: FaultyFs,
    pub(super) inode: Inode,
}

impl File for FaultyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.fs.change(|state, fault| {
            let mut kept = fault.map_or(bytes.len(), |fault| fault.kept(bytes.len()));
            let mut failure = fault.map(Fault::error);
            if let Some(room) = state.room()
                && room < kept
            {
                (kept, failure) = (room, Some(io::Error::from(ErrorKind::StorageFull)));
            }
            state.disk.file_mut(self.inode)?.append(&bytes[..kept]);
            failure.map_or(Ok(()), Err)
        })
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.fs.change_whole(|state| {
            state.disk.file_mut(self.inode)?.truncate(len as usize);
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.fs.sync_inode(self.inode)
    }
}
