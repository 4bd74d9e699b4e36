//! A tenant's members, invitations, tokens and settings, through the generated clients, on a real Postgres.
#![allow(clippy::unwrap_used, reason = "tests")]

mod account;
mod erase;
mod invitations;
mod members;
mod promises;
mod settings;
mod support;
mod tokens;
