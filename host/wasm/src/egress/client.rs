//! The HTTP client of one plugin: pooled, keep-alive, no redirects, no proxy, and only to addresses that were checked.

use super::EgressConfig;
use super::address::{self, Refused, Resolver, System};
use crate::bindings::bitvault::plugin::types;
use crate::error::record;
use reqwest::dns::{Name, Resolve, Resolving};
use std::error::Error as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Idle connections that are kept for each host, and for how long.
const IDLE_CONNECTIONS: usize = 128;
const IDLE_TIME: Duration = Duration::from_secs(30);

pub(super) fn build(config: &EgressConfig) -> reqwest::Result<reqwest::Client> {
    let checked = Checked {
        inner: config.resolver.clone().unwrap_or_else(|| Arc::new(System)),
        allow_private: config.grant.allow_private_addresses,
    };
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .dns_resolver(Arc::new(checked))
        .connect_timeout(config.connect_timeout)
        .read_timeout(config.read_timeout)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .pool_idle_timeout(IDLE_TIME)
        .tcp_nodelay(true)
        .user_agent(concat!("bitvault/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Resolves and checks; the connection goes to the addresses that are answered here, so that no second look-up can
/// answer others.
struct Checked {
    inner: Arc<dyn Resolver>,
    allow_private: bool,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let found = self.inner.resolve(&host);
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = found.await?;
            let addresses = address::check(&host, &found, allow_private)?;
            Ok(Box::new(addresses.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

/// A literal address in a URL goes past the resolver; the same policy holds.
pub(super) fn check_literal(url: &url::Url, allow_private: bool) -> Result<(), String> {
    let address: IpAddr = match url.host() {
        Some(url::Host::Ipv4(address)) => address.into(),
        Some(url::Host::Ipv6(address)) => address.into(),
        _ => return Ok(()),
    };
    let host = address.to_string();
    address::check(&host, &[address], allow_private)
        .map(drop)
        .map_err(|refused| refused.to_string())
}

/// Why nobody answered, as an error record. The URL is left out: it may be presigned.
pub(super) fn failure(error: reqwest::Error) -> types::Error {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(refused) = cause.downcast_ref::<Refused>() {
            return record("egress_denied", false, refused.to_string());
        }
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    let code = if error.is_timeout() {
        "timeout"
    } else {
        "unavailable"
    };
    record(code, true, text)
}
