//! Reading files that must hold still.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bitvault_planner::{Fingerprint, LocalKind, Sha256};
use bytes::Bytes;
use rustix::fs::OFlags;
use sha2::Digest as _;
use tokio_util::sync::CancellationToken;

use super::beneath::{Beneath, failed, stat};
use super::run;
use crate::fs::{FsError, RelPath, Source};

/// Read and hashed in steps of this size, in bytes: it stays in the processor's cache.
const STEP_BYTES: usize = 256 * 1024;

/// A file that was opened as expected.
#[derive(Clone)]
struct Opened {
    file: Arc<File>,
    path: RelPath,
    expected: Fingerprint,
}

pub(super) fn open(
    beneath: &Beneath,
    path: RelPath,
    expected: Fingerprint,
) -> Result<Arc<dyn Source>, FsError> {
    // A pipe that was put in the file's place must not hold us up.
    let fd = beneath.open_beneath(&path, OFlags::RDONLY | OFlags::NONBLOCK)?;
    let opened = Opened {
        file: Arc::new(File::from(fd)),
        path,
        expected,
    };
    opened.check()?;
    Ok(Arc::new(opened))
}

pub(super) fn read_start(beneath: &Beneath, path: &RelPath, most: usize) -> Result<Option<Vec<u8>>, FsError> {
    let fd = match beneath.open_beneath(path, OFlags::RDONLY | OFlags::NONBLOCK) {
        Ok(fd) => fd,
        Err(FsError::Changed) => return Ok(None),
        Err(error) => return Err(error),
    };
    let found = stat(&fd, "").map_err(|errno| failed("look at", path, errno))?;
    if found.kind != LocalKind::File {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::from(fd)
        .take(most as u64)
        .read_to_end(&mut bytes)
        .map_err(|cause| reading(path, cause))?;
    Ok(Some(bytes))
}

impl Opened {
    fn check(&self) -> Result<(), FsError> {
        let found = stat(&*self.file, "").map_err(|errno| failed("look at", &self.path, errno))?;
        if found.kind == LocalKind::File && found.fingerprint == self.expected {
            return Ok(());
        }
        Err(FsError::Changed)
    }

    /// Hands the content on in steps, and looks at the end whether it held still. Ends early when nobody waits for it any more.
    fn read(&self, unwanted: &CancellationToken, mut step: impl FnMut(&[u8])) -> Result<Sha256, FsError> {
        let mut hasher = sha2::Sha256::new();
        let most = STEP_BYTES
            .min(usize::try_from(self.expected.size).unwrap_or(STEP_BYTES))
            .max(1);
        let mut buffer = vec![0; most];
        let mut at = 0;
        loop {
            let got = self
                .file
                .read_at(&mut buffer, at)
                .map_err(|cause| reading(&self.path, cause))?;
            let Some(read) = buffer.get(..got).filter(|read| !read.is_empty()) else {
                break;
            };
            hasher.update(read);
            step(read);
            at += got as u64;
            if at > self.expected.size || unwanted.is_cancelled() {
                return Err(FsError::Changed);
            }
        }
        self.check()?;
        if at != self.expected.size {
            return Err(FsError::Changed);
        }
        Ok(Sha256(hasher.finalize().into()))
    }
}

#[async_trait]
impl Source for Opened {
    fn size(&self) -> u64 {
        self.expected.size
    }

    async fn whole(&self) -> Result<(Bytes, Sha256), FsError> {
        let (opened, unwanted) = (self.clone(), CancellationToken::new());
        let _unless_dropped = unwanted.clone().drop_guard();
        run(move || {
            let mut bytes = Vec::with_capacity(usize::try_from(opened.expected.size).unwrap_or(0));
            let sha256 = opened.read(&unwanted, |step| bytes.extend_from_slice(step))?;
            Ok((bytes.into(), sha256))
        })
        .await
    }

    async fn hash(&self) -> Result<Sha256, FsError> {
        let (opened, unwanted) = (self.clone(), CancellationToken::new());
        let _unless_dropped = unwanted.clone().drop_guard();
        run(move || opened.read(&unwanted, |_| ())).await
    }

    async fn still(&self) -> Result<(), FsError> {
        let opened = self.clone();
        run(move || opened.check()).await
    }

    fn reopen(&self) -> Option<PathBuf> {
        // The kernel opens the inode behind the number, whatever has its name now.
        Some(PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd())))
    }
}

fn reading(path: &RelPath, cause: std::io::Error) -> FsError {
    FsError::Io {
        act: "read",
        path: path.clone(),
        cause,
    }
}
