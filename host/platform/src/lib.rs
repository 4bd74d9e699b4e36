//! What every module of the daemon stands on. It owns no data of its own.
//!
//! - [`config`]: sections with defaults, merged from file, environment and flags
//! - [`ctx`]: who calls, carried from the gateway to the last module
//! - [`db`]: pools, one per database role, and [`db::TenantTx`], the only way to a tenant's rows
//! - [`error`]: the one error that crosses modules
//! - [`rpc`]: how modules call each other, in one process or between processes
//! - [`telemetry`]: traces, logs and the recent traces that the lite profile keeps
//! - [`password`], [`token`], [`throttle`]: secrets that people and programs present, and how guessing is slowed down
//! - [`attachment`]: names of what is downloaded
//! - [`bus`]: events behind the outbox
//! - [`hints`]: what daemons tell each other so that none waits for its next look
//! - [`clock`], [`ids`]: time and ids, so that nothing else reads the ambient ones
//!
//! Invariants: no module's types appear here; nothing here knows HTTP status codes or tables.

pub mod attachment;
pub mod bus;
pub mod clock;
pub mod config;
pub mod ctx;
pub mod db;
pub mod error;
pub mod hints;
pub mod ids;
pub mod jobs;
pub mod password;
pub mod rpc;
pub mod telemetry;
pub mod throttle;
pub mod token;

pub use bitvault_api::Code;
pub use clock::Clock;
pub use ctx::{Ctx, LinkAccess, Principal, Role, Scopes};
pub use error::{Error, Result};
