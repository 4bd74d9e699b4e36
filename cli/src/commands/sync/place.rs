//! Where a device's state lives: a folder of the user's state folder for each folder that is synced.

use crate::args::{SyncPlace, SyncState};
use crate::error::Error;
use crate::profile::state_dir;
use bitvault_client::Error as ClientError;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

const STATE: &str = "state";

/// The state of a folder.
#[derive(Debug, Clone)]
pub(super) struct Place {
    folder: PathBuf,
}

impl Place {
    /// The state of a synced folder, which is there.
    pub(super) fn of(synced: &Path, state: &SyncState) -> Result<Self, Error> {
        let synced = canonical(synced)?;
        let Some(chosen) = &state.state else {
            let text = synced.as_os_str().as_encoded_bytes();
            let name = hex::encode(&Sha256::digest(text)[..8]);
            return Ok(Self {
                folder: all()?.join(name),
            });
        };
        let chosen = std::path::absolute(chosen).map_err(|cause| local(chosen, cause))?;
        if chosen.starts_with(&synced) && !chosen.starts_with(synced.join(".bitvault")) {
            return Err(Error::usage(
                format!("{} is in the folder that is synced", chosen.display()),
                "choose a folder outside of it, or one below its .bitvault",
            ));
        }
        Ok(Self { folder: chosen })
    }

    /// The states that a command is about: of one folder, or of all.
    pub(super) fn named(place: &SyncPlace) -> Result<Vec<Self>, Error> {
        let found = match (&place.folder, &place.state.state) {
            (Some(folder), _) => vec![Self::of(folder, &place.state)?],
            (None, Some(state)) => vec![Self {
                folder: state.clone(),
            }],
            (None, None) => {
                let mut found = Vec::new();
                for entry in std::fs::read_dir(all()?).into_iter().flatten().flatten() {
                    found.push(Self { folder: entry.path() });
                }
                found.sort_by(|one, other| one.folder.cmp(&other.folder));
                found
            }
        };
        let found: Vec<_> = found.into_iter().filter(|place| place.file().is_file()).collect();
        if found.is_empty() {
            return Err(Error::missing(
                "no such folder is synced on this machine",
                "begin with `bitvault sync run DIR`",
            ));
        }
        Ok(found)
    }

    /// Makes sure that the state has a folder.
    pub(super) fn create(&self) -> Result<(), Error> {
        std::fs::create_dir_all(&self.folder).map_err(|cause| local(&self.folder, cause))
    }

    /// The state's file.
    pub(super) fn file(&self) -> PathBuf {
        self.folder.join(STATE)
    }

    /// Where large uploads note what was sent.
    pub(super) fn transfers(&self) -> PathBuf {
        self.folder.join("transfers")
    }
}

pub(super) fn canonical(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize().map_err(|cause| local(path, cause))
}

fn all() -> Result<PathBuf, Error> {
    Ok(state_dir()?.join("sync"))
}

fn local(path: &Path, cause: std::io::Error) -> Error {
    Error::Client(ClientError::Local {
        path: path.to_owned(),
        cause,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_in_the_synced_folder_would_sync_itself_and_is_refused() {
        let dir = tempfile::tempdir().expect("dir");
        let place = |state: &Path| {
            let state = Some(state.to_owned());
            Place::of(dir.path(), &SyncState { state })
        };
        let root = dir.path().canonicalize().expect("root");
        assert!(place(&root.join("x")).is_err());
        assert!(place(&root.join(".bitvault/state")).is_ok());
        assert!(place(Path::new("/elsewhere")).is_ok());
    }
}
