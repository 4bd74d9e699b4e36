//! Writing files under a name of the engine's own.

use std::fs::File;
use std::io::Write as _;

use async_trait::async_trait;
use bitvault_planner::{Fingerprint, Sha256};
use bytes::Bytes;
use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};
use sha2::Digest as _;

use super::beneath::{Beneath, failed, stat};
use super::run;
use crate::fs::{FsError, RelPath, Temp, Written, own};

/// A file that is being written. The state is moved to the blocking thread and back with each step.
struct Writing {
    state: Option<State>,
}

struct State {
    file: File,
    path: RelPath,
    hasher: sha2::Sha256,
}

pub(super) fn create(beneath: &Beneath, folder: &RelPath, tag: u64) -> Result<Box<dyn Temp>, FsError> {
    let name = own::temp_name(tag);
    let path = folder.join(&name);
    let fd = beneath.folder(folder)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // As any program creates files: the user's umask decides who else may read it.
    let file = rustix::fs::openat(&fd, &name, flags, Mode::from_raw_mode(0o666))
        .map_err(|errno| failed("create", &path, errno))?;
    Ok(Box::new(Writing {
        state: Some(State {
            file: File::from(file),
            path,
            hasher: sha2::Sha256::new(),
        }),
    }))
}

/// Removes our own file, if it still is that.
pub(super) fn remove(beneath: &Beneath, path: &RelPath, expected: &Fingerprint) -> Result<(), FsError> {
    let (folder, name) = beneath.holder(path)?;
    let found = stat(&folder, name).map_err(|errno| failed("look at", path, errno))?;
    if !own::is_temp(name) || !found.fingerprint.may_be_same_inode(expected) {
        return Err(FsError::Changed);
    }
    rustix::fs::unlinkat(&folder, name, AtFlags::empty()).map_err(|errno| failed("remove", path, errno))
}

impl State {
    fn write(&mut self, bytes: &[u8]) -> Result<(), FsError> {
        self.hasher.update(bytes);
        self.file.write_all(bytes).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => FsError::Full,
            _ => FsError::Io {
                act: "write",
                path: self.path.clone(),
                cause,
            },
        })
    }

    fn finish(self) -> Result<Written, FsError> {
        let failed = |errno| failed("write", &self.path, errno);
        let found = stat(&self.file, "").map_err(failed)?;
        // Whole seconds: a later edit then moves the modification time even within one tick of the kernel's clock.
        let times = Timestamps {
            last_access: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            },
            last_modification: Timespec {
                tv_sec: found.fingerprint.modified.div_euclid(1_000_000_000),
                tv_nsec: 0,
            },
        };
        rustix::fs::futimens(&self.file, &times).map_err(failed)?;
        let found = stat(&self.file, "").map_err(failed)?;
        Ok(Written {
            path: self.path,
            fingerprint: found.fingerprint,
            sha256: Sha256(self.hasher.finalize().into()),
        })
    }
}

fn ended() -> FsError {
    FsError::Io {
        act: "write",
        path: RelPath::root(),
        cause: std::io::Error::other("an earlier write failed"),
    }
}

#[async_trait]
impl Temp for Writing {
    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError> {
        let mut state = self.state.take().ok_or_else(ended)?;
        let state = run(move || state.write(&bytes).map(|()| state)).await?;
        self.state = Some(state);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Written, FsError> {
        let state = self.state.take().ok_or_else(ended)?;
        run(move || state.finish()).await
    }
}
