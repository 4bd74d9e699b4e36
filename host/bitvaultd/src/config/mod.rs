//! The configuration's root: every module's section, merged from file, environment and flags, validated once.

mod load;
mod print;

pub(crate) use load::load;
pub(crate) use print::print;

use bitvault_platform::db::DatabaseConfig;
use bitvault_platform::telemetry::TelemetryConfig;
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A module that this process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Gateway,
    Identity,
    Files,
    Storage,
    Sharing,
    Search,
    Sync,
}

impl Role {
    pub(crate) const ALL: [Self; 7] = [
        Self::Gateway,
        Self::Identity,
        Self::Files,
        Self::Storage,
        Self::Sharing,
        Self::Search,
        Self::Sync,
    ];
}

/// Everything that can be configured. Field names are the keys of the TOML file.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// What runs in this process; everything by default.
    pub(crate) roles: Vec<Role>,
    /// Where REST, public gRPC and the web app are served.
    pub(crate) listen: SocketAddr,
    /// URL under which people reach that, when it is not `http://LISTEN`.
    pub(crate) public_url: Option<String>,
    /// Where the lite profile keeps its data, and every profile its lock and caches.
    pub(crate) data_dir: PathBuf,
    /// First tenant and its owner, used only while there is no tenant.
    pub(crate) bootstrap: Bootstrap,
    pub(crate) rpc: RpcConfig,
    pub(crate) peers: PeersConfig,
    pub(crate) lite: LiteConfig,
    /// An outside Postgres; the private cluster of the lite profile when absent.
    pub(crate) database: Option<DatabaseConfig>,
    /// Where daemons give each other hints; nowhere when absent.
    pub(crate) redis: Option<bitvault_platform::hints::Config>,
    /// An outside store; the embedded endpoint of the lite profile when absent.
    pub(crate) storage: Option<bitvault_storage::Config>,
    pub(crate) identity: bitvault_identity::Config,
    pub(crate) files: bitvault_files::Config,
    pub(crate) sharing: bitvault_sharing::Config,
    pub(crate) search: bitvault_search::Config,
    pub(crate) sync: bitvault_sync::Config,
    pub(crate) gateway: bitvault_gateway::Config,
    pub(crate) telemetry: TelemetryConfig,
}

impl Config {
    /// Whether a module that runs here keeps data in Postgres.
    pub(crate) fn uses_database(&self) -> bool {
        let keeping = [
            Role::Identity,
            Role::Files,
            Role::Sharing,
            Role::Search,
            Role::Sync,
        ];
        keeping.iter().any(|role| self.roles.contains(role))
    }
}

/// The keys `bootstrap_email`, `bootstrap_password` and `bootstrap_tenant`.
#[derive(Debug, Clone)]
pub(crate) struct Bootstrap {
    pub(crate) email: String,
    /// Made up and printed once when absent.
    pub(crate) password: Option<SecretString>,
    pub(crate) tenant: String,
}

/// Section `[rpc]`: calls between processes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RpcConfig {
    /// Where the modules of this process can be called by others; nowhere when absent.
    pub(crate) listen: Option<SocketAddr>,
    /// What callers are signed with, the same in every process, at least 32 characters.
    pub(crate) secret: Option<SecretString>,
    /// The same from a file.
    pub(crate) secret_file: Option<PathBuf>,
}

/// Section `[peers]`: where modules are that are called over the network, `http://HOST:PORT`. A module that is not named
/// is called in this process.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PeersConfig {
    pub(crate) identity: Option<String>,
    pub(crate) files: Option<String>,
    pub(crate) storage: Option<String>,
    pub(crate) sharing: Option<String>,
    /// Needed where the gateway or identity runs.
    pub(crate) search: Option<String>,
    /// Needed where the gateway or identity runs.
    pub(crate) sync: Option<String>,
}

/// Section `[lite]`: the parts that the lite profile brings along.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LiteConfig {
    /// Where the embedded S3 endpoint listens; a free port beside `listen` when absent.
    pub(crate) s3_listen: Option<SocketAddr>,
    /// URL under which clients reach it, when it is not `http://LISTEN`.
    pub(crate) s3_public_url: Option<String>,
    /// Origins whose web pages may use presigned URLs; a URL is the permission itself.
    pub(crate) s3_cors_origins: Vec<String>,
    /// Folder of Postgres's programs; found by itself when absent.
    pub(crate) postgres_bin: Option<PathBuf>,
    /// Who Postgres runs as when the daemon is root.
    pub(crate) postgres_user: String,
    /// Memory that Postgres shares.
    pub(crate) postgres_shared_buffers: String,
    /// Further settings of Postgres.
    pub(crate) postgres_settings: BTreeMap<String, String>,
}

impl Default for LiteConfig {
    fn default() -> Self {
        Self {
            s3_listen: None,
            s3_public_url: None,
            s3_cors_origins: vec!["*".to_owned()],
            postgres_bin: None,
            postgres_user: "postgres".to_owned(),
            postgres_shared_buffers: "64MB".to_owned(),
            postgres_settings: BTreeMap::new(),
        }
    }
}
