//! The operator's commands beside `serve`.

mod admin;
mod check;
mod health;
mod schema;

pub(crate) use admin::{create_tenant, create_user};
pub(crate) use check::{fsck, gc};
pub(crate) use health::healthcheck;
pub(crate) use schema::migrate;

use crate::config::{self, Config};
use anyhow::Result;

/// Writes a command's answer.
#[allow(clippy::print_stdout, reason = "a command's answer goes to standard output")]
fn answer(text: &str) {
    println!("{text}");
}

pub(crate) fn version() -> Result<()> {
    answer(&format!("bitvaultd {}", env!("CARGO_PKG_VERSION")));
    Ok(())
}

pub(crate) fn print_config(config: &Config) -> Result<()> {
    answer(&config::print(config));
    Ok(())
}

/// Loading has checked it.
pub(crate) fn check_config() -> Result<()> {
    answer("the configuration can be used");
    Ok(())
}
