//! Bytes from and to clients: snappy, protobuf, remote write, remote read, JSON.
//!
//! A push: [`push_v1::decode`] or [`push_v2::decode`] makes a [`WriteBatch`] of a request's body without parsing a
//! label; [`WriteBatch::validate`] checks it as Cortex's distributor does, parsing only the labels that the storage
//! does not know yet; the batch then is the [`neocortex_model::rows::SeriesRows`] that a storage appends.

pub mod batch;
pub mod error;
mod histogram;
pub mod json;
pub mod key;
mod proto;
pub mod push_v1;
pub mod push_v2;
pub mod query_stream;
pub mod remote_read;
pub mod snappy;
pub mod validate;
mod write;

pub use batch::WriteBatch;
pub use error::DecodeError;
pub use key::KeySecret;
