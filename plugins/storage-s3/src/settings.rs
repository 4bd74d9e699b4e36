//! The operator's settings for this adapter.

use serde::Deserialize;

/// Where the bucket stands in a URL.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Addressing {
    /// `https://host/bucket/key`
    #[default]
    Path,
    /// `https://bucket.host/key`
    Virtual,
}

/// What `config` answers, checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// `http(s)://host[:port]`, without a path.
    pub(crate) endpoint: String,
    /// Only written into the request that makes a bucket; the host signs for it.
    pub(crate) region: String,
    pub(crate) bucket: String,
    /// Put before every key as it is; usually empty or ending in `/`.
    #[serde(default)]
    pub(crate) prefix: String,
    #[serde(default)]
    pub(crate) addressing: Addressing,
}

impl Settings {
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let mut settings: Self =
            serde_json::from_str(json).map_err(|error| format!("the settings of storage-s3: {error}"))?;
        settings.endpoint = settings.endpoint.trim_end_matches('/').to_owned();
        let Some((scheme, host)) = settings.endpoint.split_once("://") else {
            return Err("endpoint: expected http://HOST[:PORT] or https://HOST[:PORT]".to_owned());
        };
        if !matches!(scheme, "http" | "https") || host.is_empty() || host.contains(['/', '?', '#', '@']) {
            return Err(
                "endpoint: expected http://HOST[:PORT] or https://HOST[:PORT], without a path".to_owned(),
            );
        }
        let bucket = &settings.bucket;
        let fits = (3..=63).contains(&bucket.len())
            && bucket
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
            && !bucket.starts_with(['-', '.'])
            && !bucket.ends_with(['-', '.'])
            && !bucket.contains("..");
        if !fits {
            return Err("bucket: expected 3 to 63 of a-z, 0-9, - and .".to_owned());
        }
        if settings.prefix.starts_with('/')
            || settings.prefix.split('/').any(|part| part == "." || part == "..")
        {
            return Err("prefix: must not begin with / nor hold the segments . and ..".to_owned());
        }
        Ok(settings)
    }
}
