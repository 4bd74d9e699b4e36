//! The section `storage` of the configuration.

use bitvault_platform::{Clock, Code, Error};
use bitvault_wasm::{
    Credentials, Egress, EgressConfig, EngineConfig, Grant, Limits, OriginPattern, Resolver, Scope,
};
use http::Method;
use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Settings of the module.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where bytes live.
    pub backend: BackendConfig,
    /// The component engine.
    #[serde(default)]
    pub engine: EngineConfig,
    /// What the backend's plugin may use.
    #[serde(default)]
    pub limits: Limits,
    /// Time between two looks whether the store is still there, for `/readyz`: one listing each.
    #[serde(default = "default_look_every", with = "humantime_serde")]
    pub look_every: Duration,
}

impl Config {
    /// The defaults, with this backend.
    pub fn new(backend: BackendConfig) -> Self {
        Self {
            backend,
            engine: EngineConfig::default(),
            limits: Limits::default(),
            look_every: default_look_every(),
        }
    }
}

/// One place for bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendConfig {
    /// Its name in logs and answers.
    #[serde(default = "default_name")]
    pub name: String,
    /// The storage plugin.
    #[serde(default = "default_plugin")]
    pub plugin: String,
    /// What the plugin is told.
    pub settings: S3Settings,
    /// Access key that requests are signed with. The plugin never sees it.
    pub access_key: String,
    /// Its secret, or give `secret_key_file`.
    pub secret_key: Option<SecretString>,
    /// A file with the secret.
    pub secret_key_file: Option<PathBuf>,
    /// What the plugin may reach. By default the endpoint's public addresses and nothing else.
    #[serde(default)]
    pub grant: GrantConfig,
    /// `https://host[:port]` under which clients reach the store, where that is not the endpoint.
    pub public_endpoint: Option<Url>,
    /// Make the bucket when it is not there.
    #[serde(default)]
    pub create_bucket: bool,
    /// Time to establish a connection to the store.
    #[serde(default = "default_connect_timeout", with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// Time without a byte from the store before a transfer is given up.
    #[serde(default = "default_read_timeout", with = "humantime_serde")]
    pub read_timeout: Duration,
    /// Resolves the store's name; the system's resolver if absent. What it answers is checked like any answer.
    #[serde(skip)]
    pub resolver: Option<Arc<dyn Resolver>>,
}

/// Settings of the plugin `storage-s3`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Settings {
    /// `http(s)://host[:port]` under which the daemon reaches the store.
    pub endpoint: Url,
    /// The region that signatures are made for.
    #[serde(default = "default_region")]
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// Put before every key; usually empty or ending in `/`.
    #[serde(default)]
    pub prefix: String,
    /// Where the bucket stands in a URL.
    #[serde(default)]
    pub addressing: Addressing,
}

/// Where the bucket stands in a URL.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Addressing {
    /// `https://host/bucket/key`
    #[default]
    Path,
    /// `https://bucket.host/key`
    Virtual,
}

/// What the plugin may reach.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrantConfig {
    /// `https://host[:port]` or `https://*.suffix[:port]`. Absent: the endpoint of the settings.
    pub origins: Option<Vec<OriginPattern>>,
    /// Whether the store may be at a loopback or private address.
    pub allow_private_addresses: bool,
    /// Methods that may be used.
    pub methods: Vec<String>,
}

impl Default for GrantConfig {
    fn default() -> Self {
        let methods = ["GET", "HEAD", "PUT", "POST", "DELETE"]
            .map(str::to_owned)
            .to_vec();
        Self {
            origins: None,
            allow_private_addresses: false,
            methods,
        }
    }
}

fn default_look_every() -> Duration {
    Duration::from_secs(30)
}

fn default_name() -> String {
    "main".to_owned()
}

fn default_plugin() -> String {
    "storage-s3".to_owned()
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

fn default_connect_timeout() -> Duration {
    Duration::from_secs(5)
}

fn default_read_timeout() -> Duration {
    Duration::from_secs(30)
}

impl BackendConfig {
    /// The defaults, for a store that takes requests signed with this key.
    pub fn new(settings: S3Settings, access_key: impl Into<String>, secret_key: SecretString) -> Self {
        Self {
            name: default_name(),
            plugin: default_plugin(),
            settings,
            access_key: access_key.into(),
            secret_key: Some(secret_key),
            secret_key_file: None,
            grant: GrantConfig::default(),
            public_endpoint: None,
            create_bucket: false,
            connect_timeout: default_connect_timeout(),
            read_timeout: default_read_timeout(),
            resolver: None,
        }
    }

    /// Origin of presigned URLs, `https://host[:port]`: what a web page must be allowed to talk to.
    pub fn client_origin(&self) -> String {
        self.request_origin(self.client_endpoint())
    }

    /// Origin of requests to `endpoint`: with virtual-host addressing the bucket is part of it.
    fn request_origin(&self, endpoint: &Url) -> String {
        let origin = endpoint.origin().ascii_serialization();
        match self.settings.addressing {
            Addressing::Path => origin,
            Addressing::Virtual => origin.replacen("://", &format!("://{}.", self.settings.bucket), 1),
        }
    }

    /// The endpoint that presigned requests go to.
    pub(crate) fn client_endpoint(&self) -> &Url {
        self.public_endpoint.as_ref().unwrap_or(&self.settings.endpoint)
    }

    /// What the guest is told, for requests to `endpoint`.
    pub(crate) fn guest_settings(&self, endpoint: &Url) -> String {
        let S3Settings {
            region,
            bucket,
            prefix,
            addressing,
            ..
        } = &self.settings;
        let addressing = match addressing {
            Addressing::Path => "path",
            Addressing::Virtual => "virtual",
        };
        serde_json::json!({
            "endpoint": endpoint.origin().ascii_serialization(),
            "region": region,
            "bucket": bucket,
            "prefix": prefix,
            "addressing": addressing,
        })
        .to_string()
    }

    /// The way out for requests to `endpoint`.
    pub(crate) fn egress(&self, endpoint: &Url, clock: &Clock) -> Result<Egress, Error> {
        let bare = matches!(endpoint.path(), "" | "/") && endpoint.query().is_none();
        if !matches!(endpoint.scheme(), "http" | "https") || endpoint.host().is_none() || !bare {
            return Err(wrong("endpoint", "expected http(s)://HOST[:PORT] without a path"));
        }
        let secret =
            bitvault_platform::config::secret("secret_key", &self.secret_key, &self.secret_key_file)?;
        let Some(secret) = secret else {
            return Err(wrong("secret_key", "give secret_key or secret_key_file"));
        };
        let config = EgressConfig {
            grant: self.grant(endpoint)?,
            credentials: Some(Credentials::new(&self.settings.region, &self.access_key, &secret)),
            connect_timeout: self.connect_timeout,
            read_timeout: self.read_timeout,
            resolver: self.resolver.clone(),
            clock: clock.clone(),
        };
        Egress::new(config).map_err(|error| wrong("backend", &error.to_string()))
    }

    fn grant(&self, endpoint: &Url) -> Result<Grant, Error> {
        let virtual_host = self.settings.addressing == Addressing::Virtual;
        let mut origins = match &self.grant.origins {
            Some(origins) => origins.clone(),
            None => Vec::new(),
        };
        // Clients' requests are only presigned, never sent from here: their endpoint is granted by being configured.
        let for_clients = self.public_endpoint.as_ref() == Some(endpoint);
        if self.grant.origins.is_none() || for_clients {
            let origin = self.request_origin(endpoint);
            origins.push(OriginPattern::try_from(origin).map_err(|error| wrong("endpoint", &error))?);
        }
        let mut methods = Vec::new();
        for method in &self.grant.methods {
            let parsed = Method::from_bytes(method.as_bytes());
            methods.push(parsed.map_err(|_| wrong("grant.methods", &format!("{method:?} is not a method")))?);
        }
        Ok(Grant {
            origins,
            methods,
            allow_private_addresses: self.grant.allow_private_addresses,
            scope: Some(Scope {
                bucket: self.settings.bucket.clone(),
                prefix: self.settings.prefix.clone(),
                virtual_host,
            }),
        })
    }
}

pub(crate) fn wrong(field: &str, detail: &str) -> Error {
    Error::new(
        Code::Invalid,
        "storage_config_invalid",
        format!("storage.backend.{field}: {detail}"),
    )
}
