//! Public links on a real Postgres, with the real modules identity and files.
#![allow(clippy::unwrap_used, reason = "tests")]

mod erase;
mod limits;
mod makers;
mod making;
mod passwords;
mod rls;
mod support;
mod visiting;
