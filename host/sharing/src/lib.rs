//! Sharing: public links. Who holds one reaches a node without an account.
//!
//! Owns the schema `sharing`. Serves the public `LinkService` to those who make links, and the internal
//! `LinkAccessService` to the gateway, which lets visitors in. Asks identity whether a link's account still belongs to the
//! tenant and may have links there, and files what somebody may do with a node; files decides about every act of a visitor
//! as well. Removes its rows of a tenant that is deleted when identity asks for it, `SharingDataService`.
//!
//! Invariants
//!
//! - A token exists on its way to whoever made the link and nowhere else; what is stored is its SHA-256. A password exists
//!   as an argon2id hash only.
//! - A link that is unknown, expired, exhausted, or whose account may no longer have links or share the node, and one whose
//!   password is missing or wrong, give the same answer.
//! - Nothing about a link is remembered between two uses: what ends it ends it at once.
//! - A counted download is counted before anything is handed out.

mod config;
mod domain;
mod error;
mod peers;
mod service;
mod store;

pub use config::{Config, ThrottleConfig};
pub use service::Sharing;
