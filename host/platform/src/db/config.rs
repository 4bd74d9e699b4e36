use super::DbRole;
use crate::{Code, Error};
use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::Sha256;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

/// Section `[database]`: an outside Postgres. The lite profile fills it in for its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `postgres://HOST:PORT/NAME`, without a user: the daemon logs in as roles of its own.
    pub url: String,
    /// The passwords of the daemon's roles are derived from this secret, at least 32 characters.
    #[serde(default)]
    pub role_secret: Option<SecretString>,
    /// The same from a file.
    #[serde(default)]
    pub role_secret_file: Option<PathBuf>,
    /// Who owns the tables; needed by `bitvaultd migrate`, and at start when `migrate_at_start` is on.
    #[serde(default)]
    pub owner: Option<OwnerConfig>,
    /// Whether `serve` migrates before it serves.
    #[serde(default = "yes")]
    pub migrate_at_start: bool,
    /// Most connections of each role's pool.
    #[serde(default = "max_connections")]
    pub max_connections: u32,
    /// How long a request waits for a free connection before it is answered `database_unavailable`.
    #[serde(default = "acquire_timeout", with = "humantime_serde")]
    pub acquire_timeout: Duration,
}

/// The role that owns the tables. It needs CREATEROLE, for the daemon's roles.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerConfig {
    /// Its name.
    pub user: String,
    /// Its password.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// The same from a file.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
}

fn yes() -> bool {
    true
}

fn max_connections() -> u32 {
    12
}

fn acquire_timeout() -> Duration {
    Duration::from_secs(5)
}

impl DatabaseConfig {
    /// The defaults, for the Postgres at `url`.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            role_secret: None,
            role_secret_file: None,
            owner: None,
            migrate_at_start: yes(),
            max_connections: max_connections(),
            acquire_timeout: acquire_timeout(),
        }
    }

    /// How a role of the daemon logs in. `application` is shown in `pg_stat_activity`.
    pub fn role_options(&self, role: DbRole) -> Result<PgConnectOptions, Error> {
        let password = self.role_password(role)?;
        Ok(self
            .base()?
            .username(role.name())
            .password(&password)
            .application_name(role.name()))
    }

    /// How the owner logs in.
    pub fn owner_options(&self) -> Result<PgConnectOptions, Error> {
        let owner = self.owner.as_ref().ok_or_else(|| {
            invalid(
                "owner_missing",
                "migrating needs the section [database.owner] with the role that owns the tables",
            )
        })?;
        let options = self
            .base()?
            .username(&owner.user)
            .application_name("bitvault_owner");
        Ok(
            match crate::config::secret("database.owner.password", &owner.password, &owner.password_file)? {
                Some(password) => options.password(password.expose_secret()),
                None => options,
            },
        )
    }

    /// The password of a role: HMAC-SHA256 of its name under the role secret, in hex.
    pub fn role_password(&self, role: DbRole) -> Result<String, Error> {
        let secret =
            crate::config::secret("database.role_secret", &self.role_secret, &self.role_secret_file)?
                .ok_or_else(|| {
                    invalid(
                        "role_secret_missing",
                        "set database.role_secret or database.role_secret_file",
                    )
                })?;
        let secret = secret.expose_secret().as_bytes();
        if secret.len() < 32 {
            return Err(invalid(
                "role_secret_short",
                "database.role_secret needs at least 32 characters",
            ));
        }
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret).map_err(|cause| Error::internal("derive", cause))?;
        mac.update(role.name().as_bytes());
        Ok(hex::encode(mac.finalize().into_bytes()))
    }

    fn base(&self) -> Result<PgConnectOptions, Error> {
        let options = PgConnectOptions::from_str(&self.url)
            .map_err(|cause| invalid("database_url_invalid", format!("database.url: {cause}")))?;
        let loopback = options.get_host() == "127.0.0.1" || options.get_host() == "localhost";
        // A private cluster on loopback has no certificate; asking for one costs a round trip per connection.
        Ok(if loopback {
            options.ssl_mode(PgSslMode::Disable)
        } else {
            options
        })
    }
}

fn invalid(reason: &str, message: impl Into<String>) -> Error {
    Error::new(Code::Invalid, reason, message)
}
