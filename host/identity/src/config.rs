use bitvault_platform::password::Argon2Config;
use bitvault_platform::{Code, Error};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// Section `[identity]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long an access token is good.
    #[serde(with = "humantime_serde")]
    pub access_token_lifetime: Duration,
    /// How long a refresh token is good: a session that is not refreshed for so long ends.
    #[serde(with = "humantime_serde")]
    pub refresh_token_lifetime: Duration,
    /// Cost of hashing a password.
    pub argon2: Argon2Config,
    /// How many passwords are hashed at once; each takes `argon2.memory`.
    pub max_concurrent_hashes: usize,
    /// How many sign-ins wait for their turn; the next one is answered `sign_in_busy`.
    pub max_waiting_hashes: usize,
    /// How failing sign-ins are slowed down.
    pub throttle: ThrottleConfig,
    /// How long an invitation is good.
    #[serde(with = "humantime_serde")]
    pub invitation_lifetime: Duration,
    /// Longest life of a personal access token, and its life when nobody says otherwise.
    #[serde(with = "humantime_serde")]
    pub token_lifetime_max: Duration,
    /// How tenants are deleted.
    pub deletion: DeletionConfig,
    /// How invitations are mailed. Without it whoever invites gets the link to hand on.
    pub mail: Option<MailConfig>,
}

/// Section `[identity.deletion]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeletionConfig {
    /// How long a tenant that was marked for deletion can be taken back. Objects in the store go after
    /// `files.collector.grace` on top of it.
    #[serde(with = "humantime_serde")]
    pub grace: Duration,
    /// Time between two looks for tenants that are due.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
}

/// Section `[identity.mail]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// The SMTP server: `smtps://HOST` (port 465), `smtp://HOST?tls=required` (STARTTLS, port 587), or `smtp://HOST` for
    /// one on this machine.
    pub url: String,
    /// Who mail comes from, `BitVault <vault@example.org>`.
    pub from: String,
    /// User name at the server; none when it asks for none.
    #[serde(default)]
    pub username: Option<String>,
    /// Its password.
    #[serde(default, skip_serializing)]
    pub password: Option<SecretString>,
    /// The same from a file.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
}

/// Section `[identity.throttle]`. Counted in this process's memory: a deployment with several identity processes allows
/// as many times more.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThrottleConfig {
    /// Failures of one account in a row before the next attempt has to wait.
    pub account_burst: u32,
    /// After that, one attempt on the account each.
    #[serde(with = "humantime_serde")]
    pub account_interval: Duration,
    /// Failures from one address in a row before the next attempt has to wait.
    pub address_burst: u32,
    /// After that, one attempt from the address each.
    #[serde(with = "humantime_serde")]
    pub address_interval: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            access_token_lifetime: Duration::from_secs(60 * 60),
            refresh_token_lifetime: Duration::from_secs(30 * 24 * 60 * 60),
            argon2: Argon2Config::default(),
            max_concurrent_hashes: 2,
            max_waiting_hashes: 32,
            throttle: ThrottleConfig::default(),
            invitation_lifetime: Duration::from_secs(7 * 24 * 60 * 60),
            token_lifetime_max: Duration::from_secs(366 * 24 * 60 * 60),
            deletion: DeletionConfig::default(),
            mail: None,
        }
    }
}

impl Default for DeletionConfig {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(7 * 24 * 60 * 60),
            period: Duration::from_secs(60),
        }
    }
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            account_burst: 10,
            account_interval: Duration::from_secs(10),
            address_burst: 50,
            address_interval: Duration::from_secs(1),
        }
    }
}

impl Config {
    /// Refuses values that are unsafe or make no sense.
    pub fn check(&self) -> Result<(), Error> {
        let rules = [
            (
                (1..=256).contains(&self.max_concurrent_hashes),
                "identity.max_concurrent_hashes must be 1 to 256",
            ),
            (
                self.max_waiting_hashes <= 10_000,
                "identity.max_waiting_hashes must be 0 to 10000",
            ),
            (
                (60..=86_400).contains(&self.access_token_lifetime.as_secs()),
                "identity.access_token_lifetime must be 1 minute to 1 day",
            ),
            (
                self.refresh_token_lifetime > self.access_token_lifetime
                    && self.refresh_token_lifetime.as_secs() <= 366 * 86_400,
                "identity.refresh_token_lifetime must be longer than access_token_lifetime, and at most a year",
            ),
            (
                self.throttle.account_burst >= 1 && self.throttle.address_burst >= 1,
                "identity.throttle: bursts must be at least 1",
            ),
            (
                !self.throttle.account_interval.is_zero() && !self.throttle.address_interval.is_zero(),
                "identity.throttle: intervals must be longer than 0",
            ),
            (
                (60..=366 * 86_400).contains(&self.invitation_lifetime.as_secs()),
                "identity.invitation_lifetime must be 1 minute to a year",
            ),
            (
                (60..=3660 * 86_400).contains(&self.token_lifetime_max.as_secs()),
                "identity.token_lifetime_max must be 1 minute to ten years",
            ),
            (
                self.deletion.grace.as_secs() <= 3660 * 86_400,
                "identity.deletion.grace must be at most ten years",
            ),
            (
                !self.deletion.period.is_zero(),
                "identity.deletion.period must be longer than 0",
            ),
        ];
        let rules = rules.map(|(holds, rule)| (holds, rule.to_owned()));
        let mut rules = self.argon2.rules("identity.argon2").into_iter().chain(rules);
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
    fn the_defaults_are_allowed_and_a_cheap_hash_is_not() {
        Config::default().check().unwrap();
        let mut cheap = Config::default();
        cheap.argon2.memory = bytesize::ByteSize::mib(45);
        assert!(cheap.check().unwrap_err().message().contains("46 MiB"));
    }
}
