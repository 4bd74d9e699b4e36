//! The module on a real Postgres and a real store. One binary, so that its tests share a cluster.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod access;
mod batches;
mod collect;
mod commit;
mod conflicts;
mod copy;
mod crossing;
mod erase;
mod high_water;
mod home_quotas;
mod homes;
mod listing;
mod metadata;
mod moves;
mod multipart;
mod plans;
mod quota_growth;
mod quotas;
mod relay;
mod rls;
mod round_trips;
mod sizes;
#[path = "../support/mod.rs"]
mod support;
mod trash;
mod tree;
mod usage;
mod versions;
mod visitors;
