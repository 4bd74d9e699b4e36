//! Typed async client of the REST API, shared by the CLI, the device engine and the web app.
//!
//! Owns: how a call is made (bearer token, its refresh, retries, trace context), what its failures look like
//! ([`Error`]), and on native targets the engine that moves bytes between local files and the store ([`transfer`]).
//!
//! Invariants:
//! - The bearer token goes to the API only, never to the store: presigned requests carry their own permission.
//! - A write is repeated only with the `Idempotency-Key` of its first try, so a repeat never acts twice.
//! - Every API call and every presigned request carries the caller's W3C trace context, see [`TraceSource`].
//! - No environment, no clock, no global state: whoever builds the client passes everything in.
//!
//! On wasm32 everything but [`transfer`] is there.

mod access;
mod call;
mod client;
mod conflicts;
mod copies;
mod error;
mod guarded;
mod links;
mod metadata;
mod nodes;
mod path;
mod quotas;
mod retry;
mod search;
mod sessions;
mod sleep;
mod sync;
mod tenants;
mod tokens;
mod trace;
#[cfg(not(target_arch = "wasm32"))]
pub mod transfer;
mod trash;
mod uploads;
mod versions;

pub use bitvault_api as api;
pub use client::{Builder, Client};
pub use copies::Copied;
pub use error::{Error, Result};
pub use path::{PathError, RemotePath};
pub use retry::Retry;
pub use search::Search;
pub use sync::Changes;
pub use tokens::{NoKeeper, TokenKeeper, TokenLock, Tokens};
pub use trace::{NoTrace, TraceSource};
