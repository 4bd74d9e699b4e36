use bitvault_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Section `[sync]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Devices of one account in a tenant.
    pub devices_per_account: u32,
    /// Longest wait for a change; whoever asks for more waits so long. Shorter than `gateway.request_timeout`. A caller whose
    /// session ended meanwhile gets what changed until then, and nothing after.
    #[serde(with = "humantime_serde")]
    pub wait_max: Duration,
    /// How long a stream of changes goes on before the client has to call again, with a session that is good then.
    #[serde(with = "humantime_serde")]
    pub watch_lifetime: Duration,
    /// Time between two looks at the journals while somebody waits. A change in this process wakes at once, and with
    /// `[redis]` one in another process as well; without it that is seen after this.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
    /// How long the journals are kept.
    pub journal: JournalConfig,
}

/// Section `[sync.journal]`: what is kept for cursors. One that stands on what is gone is answered `cursor_expired`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JournalConfig {
    /// How long an entry is kept at least.
    #[serde(with = "humantime_serde")]
    pub retention: Duration,
    /// How long it is kept for a device that has not been told of it yet, and how long a cursor is good at most.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
    /// How many of the newest entries of a tenant are kept, whatever their age; at least one.
    pub keep: u64,
    /// Time between two looks for entries that may go.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
}

impl Default for JournalConfig {
    fn default() -> Self {
        let day = Duration::from_secs(86_400);
        Self {
            retention: 30 * day,
            max_age: 180 * day,
            keep: 10_000,
            period: Duration::from_secs(3600),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            devices_per_account: 100,
            wait_max: Duration::from_secs(50),
            watch_lifetime: Duration::from_secs(60),
            period: Duration::from_secs(1),
            journal: JournalConfig::default(),
        }
    }
}

impl Config {
    /// Refuses what makes no sense.
    pub fn check(&self) -> Result<()> {
        let rules = [
            (
                (1..=10_000).contains(&self.devices_per_account),
                "devices_per_account",
                "use 1 to 10000",
            ),
            (
                (1..=600).contains(&self.wait_max.as_secs()),
                "wait_max",
                "use 1 second to 10 minutes",
            ),
            (
                (1..=3600).contains(&self.watch_lifetime.as_secs()),
                "watch_lifetime",
                "use 1 second to 1 hour",
            ),
            (!self.period.is_zero(), "period", "must not be zero"),
            (
                self.journal.retention.as_secs() >= 86_400,
                "journal.retention",
                "use at least 1 day",
            ),
            (
                self.journal.max_age >= self.journal.retention,
                "journal.max_age",
                "must not be shorter than journal.retention",
            ),
            // Whoever is behind all that is kept finds that out by a gap before the first entry.
            (self.journal.keep >= 1, "journal.keep", "use at least 1"),
            (
                !self.journal.period.is_zero(),
                "journal.period",
                "must not be zero",
            ),
        ];
        match rules.into_iter().find(|(holds, _, _)| !holds) {
            None => Ok(()),
            Some((_, field, detail)) => Err(Error::invalid_field(
                "config_invalid",
                format!("sync.{field}"),
                detail,
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_allowed_and_a_wait_of_an_hour_is_not() {
        Config::default().check().unwrap();
        let config = Config {
            wait_max: Duration::from_secs(3600),
            ..Config::default()
        };
        assert!(config.check().unwrap_err().message().contains("wait_max"));
    }
}
