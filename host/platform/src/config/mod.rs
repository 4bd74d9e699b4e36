//! Configuration: TOML file, then environment (`BITVAULTD_SECTION__KEY`), then flags, merged once by the binary.
//!
//! Each module has a documented section with defaults and `deny_unknown_fields`. Nothing else reads the environment.

use crate::{Code, Error};
use secrecy::SecretString;
use std::path::{Path, PathBuf};

/// Prefix of environment variables; `__` separates section and key.
pub const ENV_PREFIX: &str = "BITVAULTD_";

/// A secret that may be given in place or by a file's path, not both. `None` when neither is given.
pub fn secret(
    name: &str,
    inline: &Option<SecretString>,
    file: &Option<PathBuf>,
) -> Result<Option<SecretString>, Error> {
    match (inline, file) {
        (Some(_), Some(_)) => Err(Error::new(
            Code::Invalid,
            "secret_twice",
            format!("give {name} or {name}_file, not both"),
        )),
        (Some(secret), None) => Ok(Some(secret.clone())),
        (None, Some(path)) => Ok(Some(read_secret(name, path)?)),
        (None, None) => Ok(None),
    }
}

fn read_secret(name: &str, path: &Path) -> Result<SecretString, Error> {
    let text = std::fs::read_to_string(path).map_err(|cause| {
        Error::new(
            Code::Invalid,
            "secret_unreadable",
            format!("{name}_file: {}: {cause}", path.display()),
        )
    })?;
    Ok(SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned()))
}
