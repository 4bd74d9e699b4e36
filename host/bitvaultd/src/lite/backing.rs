//! What the modules stand on: a database and a store, each an outside one or our own.

use super::folder::{Ports, Runtime, last_ports, runtime_path};
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
        let folder = DataFolder::open(&config.data_dir)?;
        let secrets = Secrets::open(folder.path())?;
        let ports = folder.ports();
        let stop = CancellationToken::new();
        let database = async {
            if config.database.is_some() || !config.uses_database() {
                return Ok(None);
            }
            PrivateDatabase::start(folder.path(), &config.lite, &secrets, ports.postgres)
                .await
                .map(Some)
        };
        let store = async {
            if config.storage.is_some() || !config.roles.contains(&Role::Storage) {
                return Ok(None);
            }
            let listener = listen_for_store(config, ports).await?;
            EmbeddedStore::start(folder.path(), &config.lite, &secrets, listener, stop.clone())
                .await
                .map(Some)
        };
        let (database, store) = tokio::try_join!(database, store)?;
        let database_config = match (&config.database, &database) {
            (Some(outside), _) => outside.clone(),
            (None, Some(own)) => own.config(&secrets),
            (None, None) => DatabaseConfig::at(""),
        };
        let storage_config = match (&config.storage, &store) {
            (Some(outside), _) => Some(outside.clone()),
            (None, Some(own)) => Some(own.config(&secrets)?),
            (None, None) => None,
        };
        let own = Own {
            folder,
            database,
            store,
            stop,
        };
        Ok(Self {
            database: database_config,
            storage: storage_config,
            own: Some(own),
        })
    }

    /// For a command of the operator: joins the daemon that runs on the data folder, or starts the parts alone.
    pub(crate) async fn join_or_start(config: &Config) -> Result<Self> {
        let Some(runtime) = running(&config.data_dir) else {
            let backing = Self::start(config).await?;
            if backing.database.migrate_at_start {
                db::migrate(&backing.database).await?;
            }
            return Ok(backing);
        };
        let secrets = Secrets::open(&config.data_dir)?;
        let database = match (&config.database, &runtime.database_url) {
            (Some(outside), _) => outside.clone(),
            (None, Some(url)) => PrivateDatabase::config_at(without_user(url), &secrets),
            (None, None) => DatabaseConfig::at(""),
        };
        let storage = match (&config.storage, &runtime.s3_url) {
            (Some(outside), _) => Some(outside.clone()),
            (None, Some(url)) => Some(EmbeddedStore::config_at(url, url, &secrets)?),
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
            database_url: own.database.as_ref().map(PrivateDatabase::owner_url),
        })
    }

    /// Stops what this process started: first the store, which answers what is in flight, then the database.
    pub(crate) async fn stop(self) -> Result<()> {
        let Some(own) = self.own else { return Ok(()) };
        own.folder.remove_runtime()?;
        own.stop.cancel();
        if let Some(store) = own.store {
            store.stopped().await;
        }
        if let Some(database) = own.database {
            database.stop().await?;
        }
        Ok(())
    }
}

/// The daemon that runs on a data folder, if its process lives.
pub(crate) fn running(data_dir: &Path) -> Option<Runtime> {
    let bytes = std::fs::read(runtime_path(data_dir)).ok()?;
    let runtime: Runtime = serde_json::from_slice(&bytes).ok()?;
    let pid = rustix::process::Pid::from_raw(i32::try_from(runtime.pid).ok()?)?;
    rustix::process::test_kill_process(pid).is_ok().then_some(runtime)
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
