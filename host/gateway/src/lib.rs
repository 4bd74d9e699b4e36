//! The daemon's face: REST with its OpenAPI document, public gRPC on the same port, the web app's files, the pages of public
//! links, health.
//!
//! Owns no data. Sees `proto` and `platform` only: every act is a call to a module in the caller's name. HTTP status
//! codes exist nowhere else in the host.
//!
//! Invariants: every answer that is not a success is problem details (REST) or a status with details (gRPC); who calls is
//! decided here from the bearer token and nothing a client sends can say otherwise; internal services can't be named from
//! outside; contents of files never pass through here, but for folders as ZIP archives; every body, header, wait and queue has a limit in [`Config`].

mod assets;
mod auth;
mod config;
mod extract;
mod fields;
mod grpc;
mod health;
mod limits;
mod observe;
mod openapi;
mod pages;
mod problem;
mod routes;
mod security;
mod serve;
mod state;
mod translate;
mod visitor;
mod zip;

pub use assets::{Asset, Assets};
pub use config::{Config, ZipConfig};
pub use serve::{PeerAddr, serve};
pub use state::{Gateway, MetricsText, Peers, ReadyCheck, Wiring};
