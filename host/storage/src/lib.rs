//! Where bytes live: the module that stands between everybody else and the object store.
//!
//! It owns nothing durable. It loads the storage plugin of the configured backend, finds out by a probe what the store
//! behind it can really do, and serves `StorageService`: presigned requests, heads, listings, deletes, multipart uploads.
//! Workers inside the host may use the same backend through object_store's traits ([`Adapter`]).
//!
//! Invariants: no request reaches the store but through the plugin's plan and the host's check and signature; a backend
//! that does not honour If-None-Match or does not verify bound checksums is refused; a store that is down keeps nothing
//! from starting. Called by the module `files`; calls nobody.

mod adapter;
mod backend;
mod config;
mod error;
mod heads;
mod presign;
mod probe;
mod service;

pub use adapter::Adapter;
pub use backend::{Readiness, Storage};
pub use config::{Addressing, BackendConfig, Config, GrantConfig, S3Settings};
