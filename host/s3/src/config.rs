//! What the endpoint needs to know before it opens its folder.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::error::Error;

/// Longest path of the root folder in bytes. A key's path may take about 3.2 KiB and Linux allows 4 KiB for both.
const ROOT_PATH_MAX_BYTES: usize = 512;

/// Configuration of one endpoint. It serves one pair of keys.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder that the endpoint owns; created if missing. It must be on one local file system.
    pub root: PathBuf,
    /// Access key id that requests are signed with.
    pub access_key: String,
    /// The secret that belongs to `access_key`.
    pub secret_key: SecretString,
    /// Region named in `GetBucketLocation` and `HeadBucket`, for example `us-east-1`.
    pub region: String,
    /// Buckets that are created on open if they are missing.
    pub buckets: Vec<String>,
    /// Domain for virtual-host addressing (`bucket.DOMAIN`), with its port if it isn't the default one. Requests to an IP
    /// address are path-style always; with `None` all requests are.
    pub domain: Option<String>,
    /// Origins (`https://host:port`) whose pages may read answers (CORS). `*` alone allows every origin; presigned URLs
    /// carry no cookies, so that grants nothing that the URL didn't.
    pub cors_allowed_origins: Vec<String>,
    /// Bounds on what one request may ask for.
    pub limits: Limits,
}

impl Config {
    /// A configuration with default limits, region `us-east-1`, no buckets, no domain and no allowed origin.
    pub fn new(
        root: impl Into<PathBuf>,
        access_key: impl Into<String>,
        secret_key: impl Into<SecretString>,
    ) -> Self {
        Self {
            root: root.into(),
            access_key: access_key.into(),
            secret_key: secret_key.into(),
            region: "us-east-1".to_owned(),
            buckets: Vec::new(),
            domain: None,
            cors_allowed_origins: Vec::new(),
            limits: Limits::default(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let invalid = |field, reason: String| Err(Error::Config { field, reason });
        if self.access_key.is_empty() {
            return invalid("access_key", "must not be empty".to_owned());
        }
        let root_bytes = self.root.as_os_str().len();
        if root_bytes == 0 || root_bytes > ROOT_PATH_MAX_BYTES {
            return invalid(
                "root",
                format!("must be 1 to {ROOT_PATH_MAX_BYTES} bytes long, is {root_bytes}"),
            );
        }
        for bucket in &self.buckets {
            if !s3s::path::check_bucket_name(bucket) {
                return invalid("buckets", format!("{bucket:?} is not a valid bucket name"));
            }
        }
        for origin in &self.cors_allowed_origins {
            if ::http::HeaderValue::from_str(origin).is_err() {
                return invalid("cors_allowed_origins", format!("{origin:?} is not an origin"));
            }
        }
        Ok(())
    }
}

/// Bounds on what one request may ask for.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest body of one PutObject or UploadPart, in bytes. S3's own limit is 5 GiB.
    pub max_put_bytes: u64,
    /// Smallest part of a multipart upload except the last, in bytes. S3's own limit is 5 MiB.
    pub min_part_bytes: u64,
    /// Multipart uploads that may be open at once; each keeps its list of parts in memory.
    pub max_open_uploads: usize,
    /// Connections served at once; further ones wait in the listener's queue.
    pub max_connections: usize,
    /// Memory for the chunks of answers being sent, over all connections, in bytes; beyond it chunks are small.
    pub read_ahead_bytes: u64,
    /// How long a client may take to send a request's headers.
    pub header_timeout: Duration,
    /// How long a body may make no progress before the request is given up.
    pub body_idle_timeout: Duration,
    /// How long requests in progress may take to finish once shutdown was asked for.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_put_bytes: 5 << 30,
            min_part_bytes: 5 << 20,
            max_open_uploads: 10_000,
            max_connections: 4096,
            read_ahead_bytes: 256 << 20,
            header_timeout: Duration::from_secs(30),
            body_idle_timeout: Duration::from_secs(60),
            shutdown_grace: Duration::from_secs(5),
        }
    }
}
