//! The embedded S3 endpoint of the lite profile: objects on local disk.
//!
//! This crate owns one folder ([`Config::root`]) and serves the objects in it over the S3 protocol, so that lite runs the
//! same storage component and the same presigned URLs as production. The protocol, signatures and chunked bodies come
//! from the crate s3s; the backend is ours.
//!
//! Invariants:
//!
//! - An answer to a write is sent only after the bytes, the name and every folder above it are on stable storage. A kill
//!   or a power cut at any point loses no acknowledged write and leaves at most temporary files, which the next
//!   [`Endpoint::open`] removes.
//! - An object becomes visible by one rename of one complete, synced file. A body whose length or checksum is wrong is
//!   never visible and leaves nothing behind.
//! - What a reader was told about (a HEAD, a GET, a 412) is durable as well, not only what a writer was told.
//! - The path of a key is injective and stays inside the bucket's folder for every key.
//! - One process owns the folder: `open` takes a lock that lasts as long as the endpoint.
//!
//! Layout of the folder: `lock`, `tmp/` (writes in progress), `uploads/` (multipart uploads), `buckets/NAME/` (objects).

mod config;
mod endpoint;
mod error;
mod guard;
mod http;
mod ingest;
mod s3;
mod store;

pub use config::{Config, Limits};
pub use endpoint::{Endpoint, Service};
pub use error::Error;
