//! The embedded S3 endpoint of the lite profile.

use super::Secrets;
use crate::config::LiteConfig;
use anyhow::{Context as _, Result};
use bitvault_s3::Endpoint;
use bitvault_storage::{Addressing, BackendConfig, S3Settings};
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

const BUCKET: &str = "bitvault";
const REGION: &str = "us-east-1";

/// A running embedded endpoint.
#[derive(Debug)]
pub(crate) struct EmbeddedStore {
    address: SocketAddr,
    public_url: Option<String>,
    serving: JoinHandle<()>,
}

impl EmbeddedStore {
    /// Opens the objects' folder, which recovers what a crash left, and serves it on `listener`.
    pub(crate) async fn start(
        data_dir: &Path,
        lite: &LiteConfig,
        secrets: &Secrets,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> Result<Self> {
        let mut config = bitvault_s3::Config::new(
            data_dir.join("objects"),
            secrets.s3_access_key.clone(),
            secrets.s3_secret_key.clone(),
        );
        config.region = REGION.to_owned();
        config.buckets = vec![BUCKET.to_owned()];
        config.cors_allowed_origins = lite.s3_cors_origins.clone();
        let address = listener.local_addr().context("read the endpoint's address")?;
        let endpoint = tokio::task::spawn_blocking(move || Endpoint::open(config))
            .await
            .context("open the embedded S3 endpoint")?
            .context("open the embedded S3 endpoint")?;
        let serving = tokio::spawn(async move {
            if let Err(error) = endpoint.serve(listener, stop).await {
                tracing::error!(%error, "serve the embedded S3 endpoint");
            }
        });
        Ok(Self {
            address,
            public_url: lite.s3_public_url.clone(),
            serving,
        })
    }

    /// The URL that clients use.
    pub(crate) fn url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| self.endpoint())
    }

    /// The URL on this machine.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", reachable(self.address))
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The section `[storage]` that leads to it.
    pub(crate) fn config(&self, secrets: &Secrets) -> Result<bitvault_storage::Config> {
        Self::config_at(&self.endpoint(), &self.url(), secrets)
    }

    /// The same for an endpoint that the daemon reaches at `endpoint` and clients at `public_url`.
    pub(crate) fn config_at(
        endpoint: &str,
        public_url: &str,
        secrets: &Secrets,
    ) -> Result<bitvault_storage::Config> {
        let parse = |url: &str| Url::parse(url).with_context(|| format!("read the endpoint's URL {url}"));
        let settings = S3Settings {
            endpoint: parse(endpoint)?,
            region: REGION.to_owned(),
            bucket: BUCKET.to_owned(),
            prefix: String::new(),
            addressing: Addressing::Path,
        };
        let mut backend = BackendConfig::new(
            settings,
            secrets.s3_access_key.clone(),
            secrets.s3_secret_key.clone(),
        );
        backend.grant.allow_private_addresses = true;
        backend.public_endpoint = Some(parse(public_url)?);
        Ok(bitvault_storage::Config::new(backend))
    }

    /// Waits until requests in flight have been answered; `stop` was cancelled before.
    pub(crate) async fn stopped(self) {
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "stop the embedded S3 endpoint");
        }
    }
}

/// The address to call for a listener on every interface.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
