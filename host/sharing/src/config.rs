use bitvault_platform::password::Argon2Config;
use bitvault_platform::throttle::Limit;
use bitvault_platform::{Code, Error};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Section `[sharing]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long a visitor who gave the password of a link is let in without giving it again.
    #[serde(with = "humantime_serde")]
    pub key_lifetime: Duration,
    /// Cost of hashing a link's password.
    pub argon2: Argon2Config,
    /// How many passwords are hashed at once; each takes `argon2.memory`.
    pub max_concurrent_hashes: usize,
    /// How many wait for their turn; the next one is answered `link_busy`.
    pub max_waiting_hashes: usize,
    /// How wrong passwords are slowed down.
    pub throttle: ThrottleConfig,
}

/// Section `[sharing.throttle]`. Counted in this process's memory: a deployment with several sharing processes allows as
/// many times more.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThrottleConfig {
    /// Wrong passwords for one link in a row before the next attempt has to wait.
    pub link_burst: u32,
    /// After that, one attempt on the link each.
    #[serde(with = "humantime_serde")]
    pub link_interval: Duration,
    /// Wrong passwords from one address in a row before the next attempt has to wait.
    pub address_burst: u32,
    /// After that, one attempt from the address each.
    #[serde(with = "humantime_serde")]
    pub address_interval: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            key_lifetime: Duration::from_secs(60 * 60),
            argon2: Argon2Config::default(),
            max_concurrent_hashes: 2,
            max_waiting_hashes: 32,
            throttle: ThrottleConfig::default(),
        }
    }
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            link_burst: 10,
            link_interval: Duration::from_secs(10),
            address_burst: 30,
            address_interval: Duration::from_secs(2),
        }
    }
}

impl ThrottleConfig {
    /// For addresses, then for links.
    pub(crate) fn limits(&self) -> [Limit; 2] {
        [
            Limit {
                burst: self.address_burst,
                interval: self.address_interval,
            },
            Limit {
                burst: self.link_burst,
                interval: self.link_interval,
            },
        ]
    }
}

impl Config {
    /// Refuses values that are unsafe or make no sense.
    pub fn check(&self) -> Result<(), Error> {
        let slow = &self.throttle;
        let rules = [
            (
                (60..=86_400).contains(&self.key_lifetime.as_secs()),
                "sharing.key_lifetime must be 1 minute to 1 day",
            ),
            (
                (1..=256).contains(&self.max_concurrent_hashes),
                "sharing.max_concurrent_hashes must be 1 to 256",
            ),
            (
                self.max_waiting_hashes <= 10_000,
                "sharing.max_waiting_hashes must be 0 to 10000",
            ),
            (
                slow.link_burst >= 1 && slow.address_burst >= 1,
                "sharing.throttle: bursts must be at least 1",
            ),
            (
                !slow.link_interval.is_zero() && !slow.address_interval.is_zero(),
                "sharing.throttle: intervals must be longer than 0",
            ),
        ];
        let rules = rules.map(|(holds, rule)| (holds, rule.to_owned()));
        let mut rules = self.argon2.rules("sharing.argon2").into_iter().chain(rules);
        match rules.find(|(holds, _)| !holds) {
            None => Ok(()),
            Some((_, rule)) => Err(Error::new(Code::Invalid, "config_invalid", rule)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_allowed_and_a_key_for_good_is_not() {
        Config::default().check().unwrap();
        let config = Config {
            key_lifetime: Duration::from_secs(86_401),
            ..Config::default()
        };
        assert!(config.check().unwrap_err().message().contains("key_lifetime"));
    }
}
