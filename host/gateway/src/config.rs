use bitvault_platform::{Code, Error};
use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Section `[gateway]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Longest body of a REST request. File contents never pass through here.
    pub max_body: ByteSize,
    /// Longest head of a request, all headers together.
    pub max_headers: ByteSize,
    /// How long a client may take to send a request's head.
    #[serde(with = "humantime_serde")]
    pub header_timeout: Duration,
    /// How long one request may take, its body included.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// The same for commits, which may have to read the content back to verify it.
    #[serde(with = "humantime_serde")]
    pub commit_timeout: Duration,
    /// Requests that are worked on at once; the next one is answered 503 with `Retry-After`.
    pub max_in_flight: usize,
    /// Requests for changes at once, which mostly wait, beside those.
    pub max_waiting: usize,
    /// Connections that are open at once; the next one waits to be accepted.
    pub max_connections: usize,
    /// Requests at once on one HTTP/2 connection.
    pub max_streams: u32,
    /// How long requests under way may go on once the daemon has been told to stop.
    #[serde(with = "humantime_serde")]
    pub drain_timeout: Duration,
    /// Folders that are sent as ZIP archives.
    pub zip: ZipConfig,
    /// Origins whose web pages may call the API, `https://app.example.org`. None by default.
    pub cors_origins: Vec<String>,
    /// Host names that requests may be addressed to; empty accepts any.
    pub allowed_hosts: Vec<String>,
}

/// Section `[gateway.zip]`. Archives are the one thing whose bytes pass through here: they are put together from the store
/// while they are sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ZipConfig {
    /// Most files and folders in one archive.
    pub max_entries: usize,
    /// Most bytes of their contents together.
    pub max_bytes: ByteSize,
    /// Archives that are sent at once; the next one is answered `zip_busy`.
    pub max_streams: usize,
    /// How long a client may take to accept the next piece, or the store to send it, before the archive is given up.
    #[serde(with = "humantime_serde")]
    pub stall_timeout: Duration,
}

impl Default for ZipConfig {
    fn default() -> Self {
        Self {
            max_entries: 10_000,
            max_bytes: ByteSize::gib(50),
            max_streams: 8,
            stall_timeout: Duration::from_secs(60),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_body: ByteSize::mib(1),
            max_headers: ByteSize::kib(64),
            header_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(60),
            commit_timeout: Duration::from_secs(60 * 60),
            max_in_flight: 512,
            max_waiting: 2048,
            max_connections: 4096,
            max_streams: 128,
            drain_timeout: Duration::from_secs(20),
            zip: ZipConfig::default(),
            cors_origins: Vec::new(),
            allowed_hosts: Vec::new(),
        }
    }
}

impl Config {
    /// Refuses values that make no sense.
    pub fn check(&self) -> Result<(), Error> {
        let rules = [
            (
                (ByteSize::kib(64)..=ByteSize::mib(64)).contains(&self.max_body),
                "gateway.max_body must be 64 KiB to 64 MiB",
            ),
            (
                (ByteSize::kib(8)..=ByteSize::mib(1)).contains(&self.max_headers),
                "gateway.max_headers must be 8 KiB to 1 MiB",
            ),
            (
                !self.header_timeout.is_zero() && !self.request_timeout.is_zero(),
                "gateway: timeouts must be longer than 0",
            ),
            (
                self.commit_timeout >= self.request_timeout,
                "gateway.commit_timeout must not be shorter than request_timeout",
            ),
            (
                self.max_in_flight >= 1
                    && self.max_waiting >= 1
                    && self.max_connections >= 1
                    && self.max_streams >= 1,
                "gateway: limits must be at least 1",
            ),
            (
                (1..=1_000_000).contains(&self.zip.max_entries) && self.zip.max_streams >= 1,
                "gateway.zip: use 1 to 1000000 entries and at least 1 stream",
            ),
            (
                !self.zip.stall_timeout.is_zero(),
                "gateway.zip.stall_timeout must be longer than 0",
            ),
            (
                self.cors_origins.iter().all(|origin| is_origin(origin)),
                "gateway.cors_origins must look like https://app.example.org",
            ),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            None => Ok(()),
            Some((_, rule)) => Err(Error::new(Code::Invalid, "config_invalid", rule)),
        }
    }
}

/// Whether `text` is scheme, host and perhaps a port, and nothing that could end a header or a CSP directive.
pub(crate) fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    matches!(scheme, "http" | "https")
        && !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-.:[]*_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_can_not_smuggle_a_directive() {
        for good in [
            "http://127.0.0.1:7401",
            "https://*.s3.example.org",
            "http://[::1]:9",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "*",
            "https://a/",
            "https://a; script-src *",
            "https://a b",
            "javascript:1",
            "http://",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
