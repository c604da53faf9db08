//! The disk: files and directories under their names.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::path::{Component, Path};

use super::chance::Chance;
use super::contents::Contents;
use super::directory::{Directory, Inode};

/// Where paths begin.
const ROOT: Inode = 0;

#[derive(Clone, Debug)]
enum Node {
    File(Contents),
    Directory(Directory),
}

/// Files and directories. What has no name any more stays, as it does for who has it open.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    nodes: Vec<Node>,
}

impl Default for Disk {
    fn default() -> Self {
        Self { nodes: vec![Node::Directory(Directory::default())] }
    }
}

impl Disk {
    /// What is left after the power failed. Without chance, what was synced.
    pub(super) fn survivor(&self, mut chance: Option<Chance>) -> Self {
        let survivor = |node: &Node| match node {
            Node::File(contents) => Node::File(contents.survivor(&mut chance)),
            Node::Directory(dir) => Node::Directory(dir.survivor(&mut chance)),
        };
        Self { nodes: self.nodes.iter().map(survivor).collect() }
    }

    /// The files that have a name.
    pub(super) fn files(&self) -> Vec<&Contents> {
        let mut files = Vec::new();
        let mut ahead = VecDeque::from([ROOT]);
        while let Some(inode) = ahead.pop_front() {
            match &self.nodes[inode] {
                Node::File(contents) => files.push(contents),
                Node::Directory(dir) => ahead.extend(dir.entries().values()),
            }
        }
        files
    }

    /// Bytes of the files that have a name.
    pub(super) fn used(&self) -> usize {
        self.files().iter().map(|file| file.bytes().len()).sum()
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<Inode> {
        path.components().try_fold(ROOT, |inode, component| match component {
            Component::RootDir => Ok(inode),
            Component::Normal(name) => {
                self.dir(inode)?.entries().get(&*name.to_string_lossy()).copied().ok_or_else(not_found)
            }
            _ => Err(io::Error::from(ErrorKind::InvalidInput)),
        })
    }

    pub(super) fn dir(&self, inode: Inode) -> io::Result<&Directory> {
        match &self.nodes[inode] {
            Node::Directory(dir) => Ok(dir),
            Node::File(_) => Err(io::Error::from(ErrorKind::NotADirectory)),
        }
    }

    pub(super) fn dir_mut(&mut self, inode: Inode) -> io::Result<&mut Directory> {
        match &mut self.nodes[inode] {
            Node::Directory(dir) => Ok(dir),
            Node::File(_) => Err(io::Error::from(ErrorKind::NotADirectory)),
        }
    }

    pub(super) fn file(&self, inode: Inode) -> io::Result<&Contents> {
        match &self.nodes[inode] {
            Node::File(contents) => Ok(contents),
            Node::Directory(_) => Err(io::Error::from(ErrorKind::IsADirectory)),
        }
    }

    pub(super) fn file_mut(&mut self, inode: Inode) -> io::Result<&mut Contents> {
        match &mut self.nodes[inode] {
            Node::File(contents) => Ok(contents),
            Node::Directory(_) => Err(io::Error::from(ErrorKind::IsADirectory)),
        }
    }

    /// Makes a file that is not there.
    pub(super) fn create(&mut self, path: &Path, contents: Contents) -> io::Result<Inode> {
        self.add(path, Node::File(contents))
    }

    /// Makes a directory that is not there.
    pub(super) fn create_dir(&mut self, path: &Path) -> io::Result<Inode> {
        self.add(path, Node::Directory(Directory::default()))
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<Inode> {
        let (parent, name) = self.place(path)?;
        let inode = self.nodes.len();
        let dir = self.dir_mut(parent)?;
        if dir.entries().contains_key(&name) {
            return Err(io::Error::from(ErrorKind::AlreadyExists));
        }
        dir.link(&name, inode);
        self.nodes.push(node);
        Ok(inode)
    }

    /// Removes a file or an empty directory.
    pub(super) fn unlink(&mut self, path: &Path) -> io::Result<()> {
        let inode = self.find(path)?;
        if self.dir(inode).is_ok_and(|dir| !dir.entries().is_empty()) {
            return Err(io::Error::from(ErrorKind::DirectoryNotEmpty));
        }
        let (parent, name) = self.place(path)?;
        self.dir_mut(parent)?.unlink(&name);
        Ok(())
    }

    /// Gives an entry another name in its directory.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let inode = self.find(from)?;
        let ((parent, from), (new_parent, to)) = (self.place(from)?, self.place(to)?);
        if parent != new_parent {
            return Err(io::Error::from(ErrorKind::CrossesDevices));
        }
        if self.file(inode).is_err() && self.dir(parent)?.entries().contains_key(&to) {
            return Err(io::Error::from(ErrorKind::AlreadyExists));
        }
        self.dir_mut(parent)?.rename(&from, &to);
        Ok(())
    }

    /// The directory of a path, and its name there.
    fn place(&self, path: &Path) -> io::Result<(Inode, String)> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::from(ErrorKind::InvalidInput));
        };
        Ok((self.find(parent)?, name.to_string_lossy().into_owned()))
    }
}

fn not_found() -> io::Error {
    io::Error::from(ErrorKind::NotFound)
}
