//! What the modules stand on: a database and a store, each an outside one or our own.

use super::folder::{Ports, Runtime, holder, last_ports, last_runtime};
use super::store::reachable;
use super::{DataFolder, EmbeddedStore, PrivateDatabase, Secrets};
use crate::config::{Config, Role};
use anyhow::{Context as _, Result};
use bitvault_platform::db::{self, DatabaseConfig};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Database and store of this process, and how they are reached.
#[derive(Debug)]
pub(crate) struct Backing {
    pub(crate) database: DatabaseConfig,
    /// Absent where this process neither runs nor asks a store.
    pub(crate) storage: Option<bitvault_storage::Config>,
    own: Option<Own>,
}

/// What this process runs itself and stops itself.
#[derive(Debug)]
struct Own {
    folder: DataFolder,
    database: Option<PrivateDatabase>,
    store: Option<EmbeddedStore>,
    stop: CancellationToken,
}

impl Backing {
    /// Takes the data folder and starts what is not configured as an outside part: store and database at once.
    pub(crate) async fn start(config: &Config) -> Result<Self> {
        Self::start_in(DataFolder::open(&config.data_dir)?, config).await
    }

    async fn start_in(folder: DataFolder, config: &Config) -> Result<Self> {
        let secrets = Secrets::open(folder.path())?;
        let ports = folder.ports();
        let mut own = Own {
            folder,
            database: None,
            store: None,
            stop: CancellationToken::new(),
        };
        // Listens first: a port in use is told before anything is started.
        let listener = if config.storage.is_none() && config.roles.contains(&Role::Storage) {
            Some(listen_for_store(config, ports).await?)
        } else {
            None
        };
        let started = match own.start(config, &secrets, ports, listener).await {
            Ok(()) => own.configs(config, &secrets),
            Err(error) => Err(error),
        };
        match started {
            Ok((database, storage)) => Ok(Self {
                database,
                storage,
                own: Some(own),
            }),
            Err(error) => {
                if let Err(cause) = own.stop().await {
                    tracing::error!("stop what was started: {cause:#}");
                }
                Err(error)
            }
        }
    }

    /// For a command of the operator: the parts of the daemon that holds the data folder, or its own ones, started alone.
    async fn join_or_start(config: &Config) -> Result<Self> {
        if let Some(folder) = DataFolder::take(&config.data_dir)? {
            return Self::start_in(folder, config).await;
        }
        let runtime = last_runtime(&config.data_dir).with_context(|| {
            format!(
                "process {} holds the data folder {} but does not serve it now: wait until it does or has ended, and try again",
                holder(&config.data_dir),
                config.data_dir.display()
            )
        })?;
        let secrets = Secrets::open(&config.data_dir)?;
        let database = match (&config.database, &runtime.database_url) {
            (Some(outside), _) => outside.clone(),
            (None, Some(url)) => PrivateDatabase::config_at(without_user(url), &secrets),
            (None, None) => DatabaseConfig::at(""),
        };
        let storage = match (&config.storage, &runtime.s3_url) {
            (Some(outside), _) => Some(outside.clone()),
            (None, Some(url)) => {
                let endpoint = runtime.s3_endpoint.as_ref().unwrap_or(url);
                Some(EmbeddedStore::config_at(endpoint, url, &secrets)?)
            }
            (None, None) => None,
        };
        Ok(Self {
            database,
            storage,
            own: None,
        })
    }

    /// Tells in the data folder how this daemon is reached, and remembers its ports.
    pub(crate) fn announce(&self, url: &str, http: SocketAddr) -> Result<()> {
        let Some(own) = &self.own else { return Ok(()) };
        own.folder.save_ports(Ports {
            http: Some(http.port()),
            s3: own.store.as_ref().map(EmbeddedStore::port),
            postgres: own.database.as_ref().map(PrivateDatabase::port),
        })?;
        own.folder.write_runtime(&Runtime {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            url: url.to_owned(),
            listen: reachable(http),
            s3_url: own.store.as_ref().map(EmbeddedStore::url),
            s3_endpoint: own.store.as_ref().map(EmbeddedStore::endpoint),
            database_url: own.database.as_ref().map(PrivateDatabase::owner_url),
        })
    }

    /// Stops what this process started.
    pub(crate) async fn stop(self) -> Result<()> {
        match self.own {
            Some(own) => own.stop().await,
            None => Ok(()),
        }
    }
}

impl Own {
    /// Starts both at once; of one that can't be, the other is there all the same.
    async fn start(
        &mut self,
        config: &Config,
        secrets: &Secrets,
        ports: Ports,
        listener: Option<TcpListener>,
    ) -> Result<()> {
        let folder = self.folder.path();
        let database = async {
            if config.database.is_some() || !config.uses_database() {
                return Ok(None);
            }
            PrivateDatabase::start(folder, &config.lite, secrets, ports.postgres)
                .await
                .map(Some)
        };
        let store = async {
            let Some(listener) = listener else { return Ok(None) };
            EmbeddedStore::start(folder, &config.lite, secrets, listener, self.stop.clone())
                .await
                .map(Some)
        };
        let (database, store) = tokio::join!(database, store);
        let failed = match (database, store) {
            (Ok(database), Ok(store)) => {
                (self.database, self.store) = (database, store);
                None
            }
            (Ok(database), Err(error)) => {
                self.database = database;
                Some(error)
            }
            (Err(error), store) => {
                self.store = store.ok().flatten();
                Some(error)
            }
        };
        failed.map_or(Ok(()), Err)
    }

    /// How database and store are reached.
    fn configs(
        &self,
        config: &Config,
        secrets: &Secrets,
    ) -> Result<(DatabaseConfig, Option<bitvault_storage::Config>)> {
        let database = match (&config.database, &self.database) {
            (Some(outside), _) => outside.clone(),
            (None, Some(own)) => own.config(secrets),
            (None, None) => DatabaseConfig::at(""),
        };
        let storage = match (&config.storage, &self.store) {
            (Some(outside), _) => Some(outside.clone()),
            (None, Some(own)) => Some(own.config(secrets)?),
            (None, None) => None,
        };
        Ok((database, storage))
    }

    /// First the store, which answers what is in flight, then the database.
    async fn stop(self) -> Result<()> {
        let removed = self.folder.remove_runtime();
        self.stop.cancel();
        if let Some(store) = self.store {
            store.stopped().await;
        }
        if let Some(database) = self.database {
            database.stop().await?;
        }
        removed
    }
}

/// Runs a command of the operator on the parts of the daemon that runs on the data folder; otherwise on ones that are
/// started for it alone, and stopped however it ends.
pub(crate) async fn with_backing<T>(
    config: &Config,
    command: impl AsyncFnOnce(&Backing) -> Result<T>,
) -> Result<T> {
    let backing = Backing::join_or_start(config).await?;
    let done = async {
        if backing.own.is_some() && backing.database.migrate_at_start {
            db::migrate(&backing.database).await?;
        }
        command(&backing).await
    };
    let done = done.await;
    let stopped = backing.stop().await;
    match (done, stopped) {
        (Err(error), Err(cause)) => {
            tracing::error!("stop what was started: {cause:#}");
            Err(error)
        }
        (done, stopped) => done.and_then(|answer| stopped.map(|()| answer)),
    }
}

/// The port that REST and the web app were served on the last time.
pub(crate) fn last_http_port(data_dir: &Path) -> Option<u16> {
    last_ports(data_dir).http
}

/// `postgres://USER:PASSWORD@HOST/NAME` without the user.
fn without_user(url: &str) -> String {
    match url
        .split_once("://")
        .and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?.1)))
    {
        Some((scheme, rest)) => format!("{scheme}://{rest}"),
        None => url.to_owned(),
    }
}

/// The configured address; otherwise the port of last time, beside the address people use, or a free one.
async fn listen_for_store(config: &Config, ports: Ports) -> Result<TcpListener> {
    if let Some(address) = config.lite.s3_listen {
        return bind("lite.s3_listen", address).await;
    }
    let ip: IpAddr = config.listen.ip();
    if let Some(port) = ports.s3
        && let Ok(listener) = TcpListener::bind((ip, port)).await
    {
        return Ok(listener);
    }
    bind("the embedded S3 endpoint", (ip, 0).into()).await
}

/// Listens, or says who should move.
pub(crate) async fn bind(what: &str, address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "listen on {} for {what}: another program may use the port; choose another (port 0 picks a free one)",
            reachable(address)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::without_user;

    #[test]
    fn a_user_is_taken_out_of_a_url() {
        assert_eq!(
            without_user("postgres://u:p@127.0.0.1:5/db"),
            "postgres://127.0.0.1:5/db"
        );
        assert_eq!(
            without_user("postgres://127.0.0.1:5/db"),
            "postgres://127.0.0.1:5/db"
        );
    }
}
