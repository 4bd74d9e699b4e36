//! The private Postgres cluster of the lite profile.

use super::Secrets;
use crate::config::LiteConfig;
use anyhow::Result;
use bitvault_platform::db::{DatabaseConfig, OwnerConfig};
use bitvault_postgres::{Cluster, Config};
use secrecy::ExposeSecret as _;
use std::path::Path;

const OWNER: &str = "bitvault_owner";
const DATABASE: &str = "bitvault";

/// A running private cluster.
#[derive(Debug)]
pub(crate) struct PrivateDatabase(Cluster);

impl PrivateDatabase {
    pub(crate) async fn start(
        data_dir: &Path,
        lite: &LiteConfig,
        secrets: &Secrets,
        port: Option<u16>,
    ) -> Result<Self> {
        let mut settings = vec![
            ("shared_buffers".to_owned(), lite.postgres_shared_buffers.clone()),
            ("max_connections".to_owned(), "64".to_owned()),
            // Most statements are short and prepared: compiling them to machine code costs more than it saves.
            ("jit".to_owned(), "off".to_owned()),
            ("log_min_messages".to_owned(), "warning".to_owned()),
            ("log_line_prefix".to_owned(), "%m [%p] %a ".to_owned()),
            ("wal_compression".to_owned(), "on".to_owned()),
            ("max_wal_size".to_owned(), "1GB".to_owned()),
        ];
        settings.extend(
            lite.postgres_settings
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        let config = Config {
            folder: data_dir.join("postgres"),
            bin: lite.postgres_bin.clone(),
            user: lite.postgres_user.clone(),
            owner: OWNER.to_owned(),
            password: secrets.database_owner.expose_secret().to_owned(),
            database: DATABASE.to_owned(),
            port,
            settings,
        };
        Ok(Self(Cluster::start(config).await?))
    }

    /// The section `[database]` that leads to it.
    pub(crate) fn config(&self, secrets: &Secrets) -> DatabaseConfig {
        Self::config_at(self.0.url(), secrets)
    }

    /// The same for the cluster that another process runs at `url`.
    pub(crate) fn config_at(url: String, secrets: &Secrets) -> DatabaseConfig {
        DatabaseConfig {
            role_secret: Some(secrets.database_roles.clone()),
            owner: Some(OwnerConfig {
                user: OWNER.to_owned(),
                password: Some(secrets.database_owner.clone()),
                password_file: None,
            }),
            ..DatabaseConfig::at(url)
        }
    }

    pub(crate) fn owner_url(&self) -> String {
        self.0.owner_url()
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port()
    }

    pub(crate) async fn stop(self) -> Result<()> {
        Ok(self.0.stop().await?)
    }
}
