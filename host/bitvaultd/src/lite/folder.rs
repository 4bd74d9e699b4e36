//! The data folder: locked by one daemon, readable by nobody else.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What a running daemon tells about itself in `runtime.json`; the file is there from ready to stop. It holds the
/// database administrator's password, so only the folder's owner may read it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Runtime {
    pub(crate) pid: u32,
    pub(crate) version: String,
    pub(crate) url: String,
    /// Where it listens on this machine; `url` may be another name for that.
    pub(crate) listen: SocketAddr,
    /// Where clients reach the embedded endpoint.
    pub(crate) s3_url: Option<String>,
    /// Where it listens on this machine; absent in what an older release wrote.
    pub(crate) s3_endpoint: Option<String>,
    pub(crate) database_url: Option<String>,
}

/// Ports of the last start, used again so that presigned URLs and open pages survive a restart.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ports {
    pub(crate) http: Option<u16>,
    pub(crate) s3: Option<u16>,
    pub(crate) postgres: Option<u16>,
}

/// A data folder that this process holds the lock of.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if it is missing and takes its lock.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Self::take(path)?.with_context(|| {
            format!(
                "the data folder {} is in use by process {}: stop it first, or choose another folder with --data-dir",
                path.display(),
                holder(path)
            )
        })
    }

    /// The same; `None` while another process holds the lock, whose folder stays as it is.
    pub(crate) fn take(path: &Path) -> Result<Option<Self>> {
        let path = std::path::absolute(path).context("resolve the data folder")?;
        fs::create_dir_all(&path).with_context(|| {
            format!(
                "create the data folder {}: choose another with --data-dir",
                path.display()
            )
        })?;
        let writable = || {
            format!(
                "write to the data folder {}: make it writable or choose another with --data-dir",
                path.display()
            )
        };
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(lock_path(&path))
            .with_context(writable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(cause)) => return Err(cause).with_context(writable),
        }
        // Postgres runs as another user when the daemon is root, and must pass through; nobody may list it.
        let mode = if rustix::process::geteuid().is_root() {
            0o711
        } else {
            0o700
        };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).with_context(writable)?;
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .with_context(writable)?;
        writeln!(lock, "{}", std::process::id()).with_context(writable)?;
        let folder = Self { path, _lock: lock };
        // A daemon that was killed left its own behind.
        folder.remove_runtime()?;
        Ok(Some(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn ports(&self) -> Ports {
        last_ports(&self.path)
    }

    pub(crate) fn save_ports(&self, ports: Ports) -> Result<()> {
        write_private(&self.path.join("ports.json"), &serde_json::to_vec(&ports)?)
    }

    pub(crate) fn write_runtime(&self, runtime: &Runtime) -> Result<()> {
        write_private(&runtime_path(&self.path), &serde_json::to_vec_pretty(runtime)?)
    }

    pub(crate) fn remove_runtime(&self) -> Result<()> {
        match fs::remove_file(runtime_path(&self.path)) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(cause).context("remove runtime.json")
            }
            _ => Ok(()),
        }
    }
}

/// The ports of the last start. Only a wish: without the file, or with a damaged one, free ports are found.
pub(crate) fn last_ports(data_dir: &Path) -> Ports {
    let bytes = fs::read(data_dir.join("ports.json")).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// What a daemon told about itself. One that was killed can't take it back: only who holds the folder's lock runs.
pub(crate) fn last_runtime(data_dir: &Path) -> Option<Runtime> {
    let bytes = fs::read(runtime_path(data_dir)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// The process that holds a folder's lock.
pub(crate) fn holder(data_dir: &Path) -> String {
    let holder = fs::read_to_string(lock_path(data_dir)).unwrap_or_default();
    holder.trim().to_owned()
}

fn runtime_path(data_dir: &Path) -> PathBuf {
    data_dir.join("runtime.json")
}

fn lock_path(data_dir: &Path) -> PathBuf {
    data_dir.join("lock")
}

/// Replaces a file as a whole, durably, readable by its owner only.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = || format!("write {}", path.display());
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&temporary)
        .with_context(written)?;
    file.write_all(bytes).with_context(written)?;
    file.sync_all().with_context(written)?;
    fs::rename(&temporary, path).with_context(written)?;
    let parent = path.parent().unwrap_or(Path::new("/"));
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .with_context(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_is_refused_with_the_holders_pid() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let first = DataFolder::open(&path).unwrap();
        let error = DataFolder::open(&path).unwrap_err().to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        assert!(DataFolder::take(&path).unwrap().is_none());
        drop(first);
        DataFolder::open(&path).unwrap();
    }

    #[test]
    fn a_path_that_is_a_file_is_refused_with_the_flag_that_helps() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = format!("{:#}", DataFolder::open(file.path()).unwrap_err());
        assert!(error.contains("--data-dir"), "{error}");
    }

    #[test]
    fn ports_are_remembered_and_a_damaged_file_is_no_obstacle() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(parent.path()).unwrap();
        let ports = Ports {
            http: Some(1),
            s3: Some(2),
            postgres: None,
        };
        folder.save_ports(ports).unwrap();
        assert_eq!(folder.ports(), ports);
        fs::write(parent.path().join("ports.json"), "{").unwrap();
        assert_eq!(folder.ports(), Ports::default());
    }
}
