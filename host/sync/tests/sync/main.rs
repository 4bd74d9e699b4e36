//! The module sync over the real module files, on a real Postgres.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

mod cursors;
mod devices;
mod erase;
mod model;
mod plans;
mod push;
mod retention;
mod rls;
mod sight;
mod store;
mod support;
mod waiting;
