//! The operator's commands beside `serve`.

mod admin;
mod check;
mod health;
mod quota;
mod rebuild_search;
mod schema;
mod tenants;

pub(crate) use admin::{create_tenant, create_user};
pub(crate) use check::{fsck, gc};
pub(crate) use health::healthcheck;
pub(crate) use quota::set_quota;
pub(crate) use rebuild_search::rebuild_search;
pub(crate) use schema::migrate;
pub(crate) use tenants::{delete_tenant, resume_tenant, suspend_tenant};

use crate::config::{self, Config};
use anyhow::{Result, bail};
use bitvault_platform::Error;
use bitvault_platform::config as sections;
use bitvault_platform::db::DbRole;

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

/// Loading has checked what stands in it; here also what it points to is read: files with secrets, connection strings.
pub(crate) fn check_config(config: &Config) -> Result<()> {
    let mut mistakes = Vec::new();
    if let Some(database) = &config.database {
        mistakes.extend(database.role_options(DbRole::Identity).err());
        if database.migrate_at_start {
            mistakes.extend(database.owner_options().err());
        }
    }
    let rpc = &config.rpc;
    mistakes.extend(sections::secret("rpc.secret", &rpc.secret, &rpc.secret_file).err());
    if !mistakes.is_empty() {
        let told: Vec<&str> = mistakes.iter().map(Error::message).collect();
        bail!("the configuration is wrong:\n  {}", told.join("\n  "));
    }
    answer("the configuration can be used");
    Ok(())
}
