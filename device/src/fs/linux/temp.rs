//! Writing files under a name of the engine's own.

use std::fs::File;
use std::io::{Read as _, Write as _};

use async_trait::async_trait;
use bitvault_planner::{Fingerprint, LocalKind, Sha256};
use bytes::Bytes;
use rustix::fs::{AtFlags, FallocateFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;
use sha2::Digest as _;

use super::beneath::{Beneath, failed, stat};
use super::run;
use crate::fs::{FsError, RelPath, Temp, Written, own};

/// What was written before is read again in steps of this size, in bytes.
const STEP_BYTES: usize = 256 * 1024;

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

pub(super) fn resume(
    beneath: &Beneath,
    folder: &RelPath,
    tag: u64,
    size: u64,
) -> Result<(Box<dyn Temp>, u64), FsError> {
    let name = own::partial_name(tag);
    let path = folder.join(&name);
    let fd = beneath.folder(folder)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&fd, &name, flags, Mode::from_raw_mode(0o666))
        .map_err(|errno| failed("open", &path, errno))?;
    if stat(&file, "")
        .map_err(|errno| failed("look at", &path, errno))?
        .kind
        != LocalKind::File
    {
        return Err(FsError::Occupied);
    }
    let mut state = State {
        file: File::from(file),
        path,
        hasher: sha2::Sha256::new(),
    };
    let has = state
        .take_up(size)
        .and_then(|has| state.reserve(size).map(|()| has));
    match has {
        Ok(has) => Ok((Box::new(Writing { state: Some(state) }), has)),
        Err(error) => {
            // What finds no room takes none. If that fails too, it is cleared like what a crash left.
            let _removed = rustix::fs::unlinkat(&fd, &name, AtFlags::empty());
            Err(error)
        }
    }
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
    /// Takes up what an earlier run wrote, unless that is more than the whole; tells how much it is.
    fn take_up(&mut self, size: u64) -> Result<u64, FsError> {
        let mut step = vec![0; STEP_BYTES];
        let mut has = 0;
        loop {
            let got = self
                .file
                .read(&mut step)
                .map_err(|cause| self.refused("read", cause))?;
            let Some(read) = step.get(..got).filter(|read| !read.is_empty()) else {
                break;
            };
            self.hasher.update(read);
            has += got as u64;
            if has > size {
                rustix::fs::ftruncate(&self.file, 0)
                    .and_then(|()| rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Start(0)))
                    .map_err(|errno| failed("write", &self.path, errno))?;
                self.hasher = sha2::Sha256::new();
                return Ok(0);
            }
        }
        Ok(has)
    }

    /// Takes the room for the whole file, its length stays. Where the file system can't, writing finds out.
    fn reserve(&self, size: u64) -> Result<(), FsError> {
        match rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, size) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::INTR) => Ok(()),
            Err(errno) => Err(failed("write", &self.path, errno)),
        }
    }

    fn refused(&self, act: &'static str, cause: std::io::Error) -> FsError {
        match cause.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => FsError::Full,
            _ => FsError::Io {
                act,
                path: self.path.clone(),
                cause,
            },
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), FsError> {
        self.file
            .write_all(bytes)
            .map_err(|cause| self.refused("write", cause))?;
        self.hasher.update(bytes);
        Ok(())
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
        let (state, written) = run(move || {
            let written = state.write(&bytes);
            Ok((state, written))
        })
        .await?;
        // Also when that failed: who ends the file learns which one to remove.
        self.state = Some(state);
        written
    }

    async fn finish(mut self: Box<Self>) -> Result<Written, FsError> {
        let state = self.state.take().ok_or_else(ended)?;
        run(move || state.finish()).await
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;
    use crate::fs::FileSystem as _;
    use crate::fs::linux::LinuxFs;

    const TAG: u64 = 9;

    fn sha256(bytes: &[u8]) -> Sha256 {
        Sha256(sha2::Sha256::digest(bytes).into())
    }

    #[tokio::test]
    async fn what_an_interrupted_download_left_is_gone_on_with_and_hashed_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let fs = LinuxFs::open(dir.path()).unwrap();
        let root = RelPath::root();
        let (mut temp, has) = fs.resume_temp(&root, TAG, 10).await.unwrap();
        assert_eq!(has, 0);
        temp.write(Bytes::from_static(b"hello ")).await.unwrap();
        drop(temp);
        let (mut temp, has) = fs.resume_temp(&root, TAG, 10).await.unwrap();
        assert_eq!(has, 6);
        temp.write(Bytes::from_static(b"dear")).await.unwrap();
        let written = temp.finish().await.unwrap();
        assert_eq!(written.sha256, sha256(b"hello dear"));
        assert_eq!(written.fingerprint.size, 10);
        fs.place(&written, "a").await.unwrap();
        assert_eq!(std::fs::read(dir.path().join("a")).unwrap(), b"hello dear");
        assert!(fs.list(&root).await.unwrap().leftovers.is_empty());
    }

    #[tokio::test]
    async fn more_than_the_whole_is_no_beginning_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let fs = LinuxFs::open(dir.path()).unwrap();
        let path = dir.path().join(own::partial_name(TAG));
        std::fs::write(&path, "far too much").unwrap();
        let (mut temp, has) = fs.resume_temp(&RelPath::root(), TAG, 4).await.unwrap();
        assert_eq!(has, 0);
        temp.write(Bytes::from_static(b"four")).await.unwrap();
        assert_eq!(temp.finish().await.unwrap().sha256, sha256(b"four"));
        assert_eq!(std::fs::read(&path).unwrap(), b"four");
    }

    #[tokio::test]
    async fn a_link_under_the_name_of_a_beginning_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        symlink(elsewhere.path(), dir.path().join(own::partial_name(TAG))).unwrap();
        let fs = LinuxFs::open(dir.path()).unwrap();
        assert!(fs.resume_temp(&RelPath::root(), TAG, 4).await.is_err());
        assert_eq!(elsewhere.path().metadata().unwrap().size(), 0);
    }
}
