//! The bucket: one client of object stores, the same for everybody who reads or writes blocks, rules and other objects.
//!
//! [`Bucket`] offers a few operations on objects named by [`Key`]s, on top of the crate `object_store`, whose trait is the
//! seam: a further kind of store is a further constructor, and [`FaultyStore`] is the twin that fails on purpose. What
//! holds for all stores:
//!
//! * An object appears whole or not at all, and replaces the one of the same key.
//! * What may pass is tried again with pauses between ([`Retry`]); all operations may be repeated without harm.
//! * An object that is uploaded from a file is in memory one part at a time.
//!
//! # The filesystem
//!
//! A key is the path of a plain file below one directory, as Thanos's `filesystem` provider has it, whose buckets these
//! are. Files that are being written are beside their future place with `#` and a number at the end of their name; they
//! are no objects. Directories that a deletion empties are removed. A directory that somebody else left empty is listed
//! as a folder, which Thanos does not.

mod bucket;
mod error;
mod faulty;
mod key;
mod local;
mod retry;
mod upload;

#[cfg(test)]
mod tests;

pub use bucket::{Bucket, Folder, Object};
pub use error::BucketError;
pub use faulty::{Fault, FaultyStore};
pub use key::Key;
pub use retry::Retry;
