//! The module on a real Postgres, beside the real module files.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod access;
mod asking;
mod following;
mod making;
mod metadata;
mod plans;
mod spelling;
mod support;
