//! Profiles: one JSON file per sign-in in the user's configuration folder, with its tokens.
//!
//! Invariants: readable by the user only; replaced atomically; refreshed under a lock file, so that two commands at once
//! never use up one refresh token twice.

use crate::error::Error;
use bitvault_client::api::{Account, Me, Session, Tenant};
use bitvault_client::{TokenKeeper, TokenLock, Tokens};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use url::Url;

/// A sign-in.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) url: Url,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) account: Account,
    pub(crate) tenant: Tenant,
    /// Whether the server takes spans.
    pub(crate) traces: bool,
}

impl Profile {
    pub(crate) fn new(url: Url, session: Session, me: &Me) -> Self {
        Self {
            url,
            access_token: session.access_token,
            refresh_token: session.refresh_token,
            expires_at: session.expires_at,
            account: session.account,
            tenant: session.tenant,
            traces: me.traces,
        }
    }

    pub(crate) fn tokens(&self) -> Tokens {
        Tokens {
            access: self.access_token.clone(),
            refresh: Some(self.refresh_token.clone()),
        }
    }
}

/// Where a profile is kept.
#[derive(Debug, Clone)]
pub(crate) struct ProfileFile {
    path: PathBuf,
}

impl ProfileFile {
    /// The file of the profile with this name.
    pub(crate) fn named(name: &str) -> Result<Self, Error> {
        let tame = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.chars().all(tame) {
            let hint = "use letters, digits, -, _ and dots";
            return Err(Error::usage(
                format!("{name:?} can't be the name of a profile"),
                hint,
            ));
        }
        Ok(Self {
            path: folders()?
                .config_dir()
                .join("profiles")
                .join(format!("{name}.json")),
        })
    }

    /// The profile; none when nobody signed in.
    pub(crate) fn load(&self) -> Result<Option<Profile>, Error> {
        match std::fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| self.error(error.into())),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(self.error(cause)),
        }
    }

    /// Replaces the profile: all of it or nothing.
    pub(crate) fn save(&self, profile: &Profile) -> Result<(), Error> {
        self.write(profile).map_err(|cause| self.error(cause))
    }

    /// Forgets the profile.
    pub(crate) fn remove(&self) -> Result<(), Error> {
        match std::fs::remove_file(&self.path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(self.error(cause)),
            _ => Ok(()),
        }
    }

    fn write(&self, profile: &Profile) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        private_folder(folder)?;
        let temp = self.path.with_extension(format!("{}.tmp", std::process::id()));
        let mut file = private_file(&temp)?;
        file.write_all(&serde_json::to_vec_pretty(profile)?)?;
        file.sync_all()?;
        std::fs::rename(&temp, &self.path)?;
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        Ok(())
    }

    fn error(&self, cause: std::io::Error) -> Error {
        Error::Profile {
            path: self.path.clone(),
            cause,
        }
    }
}

/// The folder of resume records.
pub(crate) fn state_dir() -> Result<PathBuf, Error> {
    let folders = folders()?;
    Ok(folders
        .state_dir()
        .unwrap_or_else(|| folders.data_local_dir())
        .to_owned())
}

fn folders() -> Result<directories::ProjectDirs, Error> {
    directories::ProjectDirs::from("", "", "bitvault").ok_or_else(|| {
        let cause = std::io::Error::other("the user has no home folder; set HOME");
        Error::Profile {
            path: PathBuf::from("~"),
            cause,
        }
    })
}

fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl TokenKeeper for ProfileFile {
    fn lock(&self) -> bitvault_client::Result<Box<dyn TokenLock>> {
        let path = self.path.with_extension("lock");
        let lock = private_file(&path)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|cause| bitvault_client::Error::Local { path, cause })?;
        Ok(Box::new(Held {
            file: self.clone(),
            _lock: lock,
        }))
    }
}

struct Held {
    file: ProfileFile,
    _lock: File,
}

impl TokenLock for Held {
    fn load(&self) -> Option<Tokens> {
        // One that can't be read is written anew by the refresh, or told by `save`.
        self.file.load().ok().flatten().map(|profile| profile.tokens())
    }

    fn save(&self, session: &Session) -> bitvault_client::Result<()> {
        let local = |cause| bitvault_client::Error::Local {
            path: self.file.path.clone(),
            cause,
        };
        let gone = || local(std::io::Error::other("signed out meanwhile"));
        let mut profile = self
            .file
            .load()
            .map_err(|error| local(std::io::Error::other(error)))?
            .ok_or_else(gone)?;
        profile.access_token.clone_from(&session.access_token);
        profile.refresh_token.clone_from(&session.refresh_token);
        profile.expires_at = session.expires_at;
        self.file.write(&profile).map_err(local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        Profile {
            url: Url::parse("https://h").expect("url"),
            access_token: "a1".into(),
            refresh_token: "r1".into(),
            expires_at: OffsetDateTime::UNIX_EPOCH,
            account: Account {
                id: "acc_1".into(),
                email: "e".into(),
                display_name: "E".into(),
            },
            tenant: Tenant {
                id: "ten_1".into(),
                name: "t".into(),
            },
            traces: false,
        }
    }

    #[test]
    fn a_profile_is_private_and_a_refresh_replaces_its_tokens_only() {
        let dir = tempfile::tempdir().expect("dir");
        let file = ProfileFile {
            path: dir.path().join("profiles/p.json"),
        };
        assert!(file.load().expect("load").is_none());
        file.save(&profile()).expect("save");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&file.path).expect("stat").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let lock = TokenKeeper::lock(&file).expect("lock");
        assert!(lock.load() == Some(profile().tokens()));
        let Profile { account, tenant, .. } = profile();
        let session = Session {
            access_token: "a2".into(),
            refresh_token: "r2".into(),
            expires_at: OffsetDateTime::UNIX_EPOCH,
            account,
            tenant,
        };
        lock.save(&session).expect("save tokens");
        let kept = file.load().expect("load").expect("profile");
        assert_eq!(
            (
                kept.access_token.as_str(),
                kept.refresh_token.as_str(),
                kept.url.as_str()
            ),
            ("a2", "r2", "https://h/")
        );
        file.remove().expect("remove");
        assert!(
            lock.save(&session).is_err(),
            "a sign-out is not undone by a refresh"
        );
        file.remove().expect("removing twice is fine");
    }

    #[test]
    fn profile_names_stay_in_their_folder() {
        for bad in ["", "../x", "a/b", ".hidden", "a b"] {
            assert!(ProfileFile::named(bad).is_err(), "{bad:?}");
        }
    }
}
