//! The component engine: runs plugins in wasmtime, within limits, and makes requests for them.
//!
//! - [`Engine`] compiles components (through a cache under a keyed MAC) and owns the pool of instances
//! - [`StorageAdapter`] is a loaded storage plugin; each [`Call`] on it gets a fresh store and instance
//! - [`Egress`] checks every request of a plugin against the operator's [`Grant`], signs it with credentials that the
//!   guest never sees, and sends it or hands it out presigned
//!
//! Invariants: a guest holds no credential and no file's bytes; nothing leaves that the grant does not name; every limit
//! that ends a call is named in the error together with the setting that changes it; a trap ends its instance and never
//! the process. No SQL, no knowledge of tenants. Called by the modules `storage` and, later, `notify` and `search`.

mod breaker;
mod cache;
mod call;
mod component;
mod egress;
mod engine;
mod error;
mod host;
mod limits;
mod meter;
mod state;
mod storage_adapter;

/// Types and traits generated from `wit/plugin.wit`.
#[allow(
    missing_docs,
    unreachable_pub,
    reason = "generated; documented in wit/plugin.wit"
)]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "storage-adapter",
        imports: {
            "bitvault:plugin/egress.send": async | trappable,
            default: trappable,
        },
        exports: { default: async },
    });
}

pub use bindings::bitvault::plugin::types::{Error as GuestError, Response};
pub use bindings::exports::bitvault::plugin::storage::{
    Auth, Capabilities, GetOptions, Object, Page, Part, Pending, PutOptions,
};
pub use call::Call;
pub use component::{Component, asset};
pub use egress::address::Resolver;
pub use egress::grant::{Grant, OriginPattern, Scope};
pub use egress::sign::{Credentials, MAX_PRESIGN, Signed};
pub use egress::{Egress, EgressConfig};
pub use engine::{Engine, EngineConfig};
pub use error::Error;
pub use limits::{Limit, Limits};
pub use storage_adapter::StorageAdapter;
