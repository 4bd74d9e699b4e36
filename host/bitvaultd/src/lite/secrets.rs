//! Secrets that the lite profile makes for itself at its first start, one file, readable by the owner only.

use super::folder::write_private;
use anyhow::{Context as _, Result};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// The secrets of one data folder.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    /// Password of the database's owner.
    pub(crate) database_owner: SecretString,
    /// What the passwords of the daemon's database roles are derived from.
    pub(crate) database_roles: SecretString,
    /// Access key of the embedded endpoint.
    pub(crate) s3_access_key: String,
    /// Its secret.
    pub(crate) s3_secret_key: SecretString,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    database_owner: String,
    database_roles: String,
    s3_access_key: String,
    s3_secret_key: String,
}

impl Secrets {
    /// Reads the folder's secrets, or makes them.
    pub(crate) fn open(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join("secrets.json");
        let stored: Stored = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!(
                    "{} is damaged: restore it from a backup; without it the data can't be opened",
                    path.display()
                )
            })?,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                let made = Stored {
                    database_owner: random(),
                    database_roles: random(),
                    s3_access_key: format!("BV{}", random()[..18].to_uppercase()),
                    s3_secret_key: random(),
                };
                write_private(&path, &serde_json::to_vec_pretty(&made)?)?;
                made
            }
            Err(cause) => return Err(cause).with_context(|| format!("read {}", path.display())),
        };
        Ok(Self {
            database_owner: stored.database_owner.into(),
            database_roles: stored.database_roles.into(),
            s3_access_key: stored.s3_access_key,
            s3_secret_key: stored.s3_secret_key.into(),
        })
    }
}

/// A password for a person to copy: 80 random bits.
pub(crate) fn random_password() -> String {
    hex::encode(rand::random::<[u8; 10]>())
}

/// 256 random bits in hex.
fn random() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn secrets_are_made_once_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let first = Secrets::open(folder.path()).unwrap();
        let again = Secrets::open(folder.path()).unwrap();
        assert_eq!(first.s3_access_key, again.s3_access_key);
        assert_eq!(
            first.s3_secret_key.expose_secret(),
            again.s3_secret_key.expose_secret()
        );
        let mode = fs::metadata(folder.path().join("secrets.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn damaged_secrets_are_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secrets.json"), "{}").unwrap();
        assert!(Secrets::open(folder.path()).is_err());
        assert_eq!(
            fs::read_to_string(folder.path().join("secrets.json")).unwrap(),
            "{}"
        );
    }
}
