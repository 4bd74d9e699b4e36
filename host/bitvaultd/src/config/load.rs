use super::{Bootstrap, Config, Role};
use anyhow::{Result, bail};
use bitvault_platform::config::ENV_PREFIX;
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Where REST and the web app listen when nobody says otherwise.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7400);

const KEYS: [&str; 21] = [
    "roles",
    "listen",
    "public_url",
    "data_dir",
    "bootstrap_email",
    "bootstrap_password",
    "bootstrap_tenant",
    "rpc",
    "peers",
    "lite",
    "database",
    "redis",
    "storage",
    "identity",
    "files",
    "sharing",
    "search",
    "sync",
    "gateway",
    "telemetry",
    "config",
];

/// Shortest secret that calls between processes are signed with, in bytes.
const RPC_SECRET_MIN: usize = 32;

/// What is text even where it looks like a number: a password of digits is a password.
const TEXTS: [&str; 13] = [
    "bootstrap_email",
    "bootstrap_password",
    "bootstrap_tenant",
    "rpc.secret",
    "database.role_secret",
    "database.owner.user",
    "database.owner.password",
    "redis.username",
    "redis.password",
    "identity.mail.username",
    "identity.mail.password",
    "storage.backend.access_key",
    "storage.backend.secret_key",
];

/// Merges file, environment and flags, and reports every section that is wrong, not only the first.
pub(crate) fn load(
    file: Option<&Path>,
    data_dir: Option<PathBuf>,
    listen: Option<SocketAddr>,
) -> Result<Config> {
    let mut figment = Figment::new();
    if let Some(file) = file {
        if !file.is_file() {
            bail!("the configuration file {} does not exist", file.display());
        }
        figment = figment.merge(Toml::file_exact(file));
    }
    let environment = Env::prefixed(ENV_PREFIX).split("__");
    figment = figment.merge(environment.clone());
    for (key, text) in environment.iter() {
        if TEXTS.contains(&key.as_str()) {
            figment = figment.merge(Serialized::global(key.as_str(), text));
        }
    }
    let mut read = Reader {
        figment,
        mistakes: Vec::new(),
    };
    read.refuse_unknown();
    let config = Config {
        roles: read.or("roles", || Role::ALL.to_vec()),
        listen: listen.unwrap_or_else(|| read.or("listen", || LISTEN)),
        public_url: read.optional("public_url"),
        data_dir: data_dir.unwrap_or_else(|| read.or("data_dir", default_data_dir)),
        bootstrap: Bootstrap {
            email: read.or("bootstrap_email", || "admin@bitvault.example".to_owned()),
            password: read.optional("bootstrap_password"),
            tenant: read.or("bootstrap_tenant", || "home".to_owned()),
        },
        rpc: read.or_default("rpc"),
        peers: read.or_default("peers"),
        lite: read.or_default("lite"),
        database: read.optional("database"),
        redis: read.optional("redis"),
        storage: read.optional("storage"),
        identity: read.or_default("identity"),
        files: read.or_default("files"),
        sharing: read.or_default("sharing"),
        search: read.or_default("search"),
        sync: read.or_default("sync"),
        gateway: read.or_default("gateway"),
        telemetry: read.or_default("telemetry"),
    };
    read.check(&config);
    if read.mistakes.is_empty() {
        return Ok(config);
    }
    bail!("the configuration is wrong:\n  {}", read.mistakes.join("\n  "))
}

struct Reader {
    figment: Figment,
    mistakes: Vec<String>,
}

impl Reader {
    fn optional<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        if !self.figment.contains(key) {
            return None;
        }
        match self.figment.extract_inner(key) {
            Ok(value) => Some(value),
            Err(error) => {
                self.mistakes
                    .extend(error.into_iter().map(|error| told(key, &error)));
                None
            }
        }
    }

    fn or<T: DeserializeOwned>(&mut self, key: &str, default: impl FnOnce() -> T) -> T {
        self.optional(key).unwrap_or_else(default)
    }

    fn or_default<T: DeserializeOwned + Default>(&mut self, key: &str) -> T {
        self.or(key, T::default)
    }

    fn refuse_unknown(&mut self) {
        let Ok(values) = self.figment.extract::<figment::value::Dict>() else {
            return;
        };
        for key in values.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            self.mistakes
                .push(format!("unknown key `{key}`; there are {}", KEYS.join(", ")));
        }
    }

    /// What holds between sections.
    fn check(&mut self, config: &Config) {
        let peers = &config.peers;
        let needed = [
            (Role::Identity, "identity", &peers.identity),
            (Role::Files, "files", &peers.files),
            (Role::Storage, "storage", &peers.storage),
            (Role::Sharing, "sharing", &peers.sharing),
            (Role::Search, "search", &peers.search),
            (Role::Sync, "sync", &peers.sync),
        ];
        for (role, name, peer) in needed {
            // These are asked by the gateway, and by identity when a tenant is deleted.
            let asks = [Role::Gateway, Role::Identity];
            let asked = !matches!(role, Role::Search | Role::Sync)
                || asks.iter().any(|role| config.roles.contains(role));
            if asked && !config.roles.contains(&role) && peer.is_none() {
                self.mistakes.push(format!(
                    "the role `{name}` does not run here: say where in peers.{name}"
                ));
            }
        }
        let remote = config.rpc.listen.is_some() || needed.iter().any(|(_, _, peer)| peer.is_some());
        if remote && config.rpc.secret.is_none() && config.rpc.secret_file.is_none() {
            self.mistakes.push(
                "calls between processes need rpc.secret or rpc.secret_file, the same in each".to_owned(),
            );
        }
        let short = config
            .rpc
            .secret
            .as_ref()
            .map(|secret| secret.expose_secret().len());
        if remote && short.is_some_and(|length| length < RPC_SECRET_MIN) {
            self.mistakes
                .push(format!("rpc.secret: use at least {RPC_SECRET_MIN} characters"));
        }
        let modules = [
            config.identity.check().err(),
            config.sharing.check().err(),
            config.search.check().err(),
            config.sync.check().err(),
            config.gateway.check().err(),
            config.telemetry.filter().err(),
            config.redis.as_ref().and_then(|redis| redis.check().err()),
        ];
        let modules = modules.into_iter().flatten().chain(config.files.check());
        self.mistakes
            .extend(modules.map(|error| error.message().to_owned()));
        if config.roles.is_empty() {
            self.mistakes.push(
                "`roles` is empty: name at least one of gateway, identity, files, storage, sharing, search, sync"
                    .to_owned(),
            );
        }
    }
}

/// One mistake below `section`: the whole key, what is wrong, and where it was read.
fn told(section: &str, error: &figment::Error) -> String {
    // The path ends with the section that was asked for; what is below it comes first.
    let below = match error.path.split_last() {
        Some((last, below)) if last.eq_ignore_ascii_case(section) => below,
        _ => &error.path,
    };
    let mut key = section.to_owned();
    for part in below {
        key.push('.');
        key.push_str(&part.to_lowercase());
    }
    let from = error.metadata.as_ref().map(|from| match &from.source {
        Some(source) => format!(" ({source})"),
        None => format!(" ({})", from.name),
    });
    format!("{key}: {}{}", error.kind, from.unwrap_or_default())
}

/// `/var/lib/bitvault` for root, the user's data folder for anybody else.
fn default_data_dir() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib/bitvault");
    }
    directories::ProjectDirs::from("", "", "bitvault").map_or_else(
        || PathBuf::from("bitvault-data"),
        |dirs| dirs.data_dir().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bitvault.toml");
        std::fs::write(&file, text).unwrap();
        load(Some(&file), None, None)
    }

    #[test]
    fn an_empty_file_is_the_lite_profile() {
        let config = from("").unwrap();
        assert_eq!(config.roles, Role::ALL);
        assert_eq!(config.listen, LISTEN);
        assert!(config.database.is_none() && config.storage.is_none());
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let text = "listen = \"nowhere\"\nfrobnicate = 1\nroles = [\"files\"]\n[lite]\npostgres_bun = \"/x\"\n\
             [files.collector]\ngrace = \"soon\"\n";
        let error = from(text).unwrap_err().to_string();
        for part in [
            "listen: ",
            "frobnicate",
            "postgres_bun",
            "files.collector.grace: ",
            "peers.identity",
            "peers.storage",
        ] {
            assert!(error.contains(part), "{part} is missing in: {error}");
        }
    }

    #[test]
    fn values_that_make_no_sense_are_mistakes_too() {
        let text = "[files]\nupload_lifetime = \"1s\"\n[telemetry]\nlog_filter = \"x=[\"\n[gateway]\nmax_streams = 0\n";
        let error = from(text).unwrap_err().to_string();
        for part in ["files.upload_lifetime", "telemetry.log_filter", "gateway: limits"] {
            assert!(error.contains(part), "{part} is missing in: {error}");
        }
    }

    #[test]
    fn flags_win_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bitvault.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\n").unwrap();
        let config = load(Some(&file), Some("/d".into()), Some(([127, 0, 0, 1], 2).into())).unwrap();
        assert_eq!((config.listen.port(), config.data_dir), (2, PathBuf::from("/d")));
    }
}
