//! Tests of the planner as its callers see it: scenarios as text, and a search with whole devices and a model server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail like tests"
)]

mod model;
mod notation;
mod scenarios;
mod search;
