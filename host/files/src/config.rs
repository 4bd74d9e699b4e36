use crate::domain::retention::LIMIT_MAX;
use bitvault_platform::{Code, Error, Result};
use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longest life of a presigned request.
pub const PRESIGN_LIFETIME_MAX: Duration = Duration::from_secs(15 * 60);
/// How far clocks of the store, the database and this process may differ.
pub const CLOCK_SLACK: Duration = Duration::from_secs(60);

/// Section `[files]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long a presigned request is good; at most 15 minutes.
    #[serde(with = "humantime_serde")]
    pub presign_lifetime: Duration,
    /// How long an upload may take from start to commit; then it counts as given up.
    #[serde(with = "humantime_serde")]
    pub upload_lifetime: Duration,
    /// Larger content travels in parts. The backend's largest single PUT bounds it as well.
    pub multipart_threshold: ByteSize,
    /// Size of a part; grows where the backend allows too few parts.
    pub part_size: ByteSize,
    /// How long the trash keeps what is in it.
    pub trash: TrashConfig,
    /// The collector of what was given up or deleted.
    pub collector: CollectorConfig,
    /// The relay of the outbox.
    pub relay: RelayConfig,
    /// Reading back of content whose hash is the client's word.
    pub verify: VerifyConfig,
    /// Which versions are kept where neither a folder nor the tenant says so.
    pub versions: VersionsConfig,
    /// Copies of whole trees.
    pub copy: CopyConfig,
    /// Finding out that the database was put back to an older state.
    pub high_water: HighWaterConfig,
}

/// Section `[files.high_water]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HighWaterConfig {
    /// While something changes, a small object is written to the store this often. A loss of the newest changes is noticed by
    /// itself when it goes back further than this.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
}

/// Section `[files.copy]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CopyConfig {
    /// Nodes that a request copies itself; a job copies what has more. The tenant's other changes wait for the last part of
    /// such a copy, about a second for 10,000 nodes.
    pub nodes_per_transaction: u32,
    /// Nodes of the largest copy.
    pub nodes_max: u32,
    /// Time between two scans of the job; a request in this process nudges it at once.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
}

/// Section `[files.versions]`. By default everything is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VersionsConfig {
    /// So many of the newest.
    pub max_count: Option<u32>,
    /// Those younger than so many days.
    pub max_age_days: Option<u32>,
    /// All of the last day, the last of each hour for a week, of each day for 90 days, then of each week.
    pub thin: bool,
    /// Time between two scans of the job that removes versions. Each file is looked at soon after it changed, and once a day.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
    /// Files that the job takes at a time.
    pub batch: u32,
}

/// Section `[files.trash]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrashConfig {
    /// Time between two scans for what has been there for long.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
    /// How long a node stays in the trash before it is removed for good.
    #[serde(with = "humantime_serde")]
    pub keep: Duration,
}

/// Section `[files.collector]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CollectorConfig {
    /// Time between two scans.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
    /// How long an object stays after it was given up. It must be longer than a presigned request lives plus the longest
    /// transfer that such a request can still carry: a late PUT would leave bytes that nobody knows.
    #[serde(with = "humantime_serde")]
    pub grace: Duration,
    /// Objects that one scan takes at a time.
    pub batch: u32,
    /// How long rows about deleted objects, finished uploads and idempotency keys are kept.
    #[serde(with = "humantime_serde")]
    pub retention: Duration,
}

/// Section `[files.relay]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RelayConfig {
    /// Time between two scans; a commit in this process nudges it at once.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
    /// Events that one scan takes at a time.
    pub batch: u32,
    /// How long an event is reserved for the relay that took it, and the longest pause after a failure.
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
}

/// Section `[files.verify]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VerifyConfig {
    /// Time between two scans.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
    /// Bytes that one scan reads back; one object may go beyond it.
    pub bytes_per_scan: ByteSize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            presign_lifetime: PRESIGN_LIFETIME_MAX,
            upload_lifetime: Duration::from_secs(24 * 3600),
            multipart_threshold: ByteSize::mib(64),
            part_size: ByteSize::mib(16),
            trash: TrashConfig::default(),
            collector: CollectorConfig::default(),
            relay: RelayConfig::default(),
            verify: VerifyConfig::default(),
            versions: VersionsConfig::default(),
            copy: CopyConfig::default(),
            high_water: HighWaterConfig::default(),
        }
    }
}

impl Default for HighWaterConfig {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(10),
        }
    }
}

impl Default for CopyConfig {
    fn default() -> Self {
        Self {
            nodes_per_transaction: 10_000,
            nodes_max: 1_000_000,
            period: Duration::from_secs(60),
        }
    }
}

impl Default for VersionsConfig {
    fn default() -> Self {
        Self {
            max_count: None,
            max_age_days: None,
            thin: false,
            period: Duration::from_secs(600),
            batch: 200,
        }
    }
}

impl Default for TrashConfig {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(3600),
            keep: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

impl Default for CollectorConfig {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(600),
            // A request lives 15 minutes; a part that began in its last second may take hours on a thin line.
            grace: Duration::from_secs(24 * 3600),
            batch: 500,
            retention: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(5),
            batch: 200,
            lease: Duration::from_secs(60),
        }
    }
}

impl Default for VerifyConfig {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(300),
            bytes_per_scan: ByteSize::gib(4),
        }
    }
}

impl Config {
    /// Every mistake in it.
    pub fn check(&self) -> Vec<Error> {
        let mut errors = Vec::new();
        let mut refuse = |wrong: bool, field: &str, detail: &str| {
            if wrong {
                errors.push(Error::invalid_field(
                    "config_invalid",
                    format!("files.{field}"),
                    detail,
                ));
            }
        };
        let presign = self.presign_lifetime;
        refuse(
            presign < Duration::from_secs(1) || presign > PRESIGN_LIFETIME_MAX,
            "presign_lifetime",
            "use 1s to 15m",
        );
        refuse(
            self.upload_lifetime < presign,
            "upload_lifetime",
            "must not be shorter than presign_lifetime",
        );
        refuse(
            self.part_size.as_u64() < 1 << 20,
            "part_size",
            "use at least 1 MiB",
        );
        refuse(
            self.trash.keep < Duration::from_secs(3600),
            "trash.keep",
            "use at least 1h, so that a mistake can be undone",
        );
        refuse(
            self.collector.grace <= presign,
            "collector.grace",
            "must be longer than presign_lifetime: a presigned request that outlives its object leaves bytes behind",
        );
        refuse(
            !(1..=1000).contains(&self.collector.batch),
            "collector.batch",
            "use 1 to 1000",
        );
        refuse(
            !(1..=1000).contains(&self.relay.batch),
            "relay.batch",
            "use 1 to 1000",
        );
        refuse(
            !(1..=1000).contains(&self.versions.batch),
            "versions.batch",
            "use 1 to 1000",
        );
        for (limit, field) in [
            (self.versions.max_count, "versions.max_count"),
            (self.versions.max_age_days, "versions.max_age_days"),
        ] {
            refuse(
                limit.is_some_and(|limit| !(1..=LIMIT_MAX).contains(&limit)),
                field,
                "use 1 to 1000000, or leave it out",
            );
        }
        refuse(
            !(1..=100_000).contains(&self.copy.nodes_per_transaction),
            "copy.nodes_per_transaction",
            "use 1 to 100000",
        );
        refuse(self.copy.nodes_max == 0, "copy.nodes_max", "use at least 1");
        refuse(
            [
                self.collector.period,
                self.relay.period,
                self.trash.period,
                self.verify.period,
                self.versions.period,
                self.copy.period,
                self.high_water.period,
            ]
            .iter()
            .any(Duration::is_zero),
            "period",
            "periods must not be zero",
        );
        errors
    }

    /// [`Config::check`] for a caller that wants one error.
    pub(crate) fn require_valid(&self) -> Result<()> {
        match self.check().as_slice() {
            [] => Ok(()),
            errors => Err(Error::new(
                Code::Invalid,
                "config_invalid",
                errors.iter().map(Error::message).collect::<Vec<_>>().join("; "),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert!(Config::default().check().is_empty());
        assert!(Config::default().collector.grace > PRESIGN_LIFETIME_MAX + CLOCK_SLACK);
    }

    #[test]
    fn every_mistake_is_named() {
        let mut config = Config {
            presign_lifetime: Duration::from_secs(3600),
            ..Config::default()
        };
        config.collector.grace = Duration::from_secs(1);
        let errors = config.check();
        let fields: Vec<_> = errors
            .iter()
            .map(|error| error.fields()[0].field.as_str())
            .collect();
        assert_eq!(fields, ["files.presign_lifetime", "files.collector.grace"]);
    }
}
