//! How modules call each other: always through the generated tonic clients, over a transport that wiring picks.
//!
//! In one process the transport is the other module's generated server, a tower service: a call is a function call and
//! no socket. In a split deployment it is a channel. Both sides of both carry the same metadata:
//!
//! - `bitvault-ctx`: the caller as a short-lived signed assertion ([`Signer`])
//! - `traceparent`: the W3C trace context
//!
//! An RPC is a transaction boundary: no transaction handle crosses it.

mod assertion;
mod client;
mod server;

pub use assertion::{CTX_HEADER, Signer};
pub use client::{Transport, local, remote};
pub use server::{Guarded, guard};
