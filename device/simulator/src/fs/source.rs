//! Reading files that must hold still. A file is read in two steps, so that people write in between.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bitvault_device::fs::{FsError, RelPath, Source};
use bitvault_device::planner::{Fingerprint, LocalKind, Sha256};
use bytes::{Bytes, BytesMut};
use sha2::Digest as _;

use super::{SimFs, failed};
use crate::disk::{Disk, Ino};

struct Opened {
    fs: SimFs,
    ino: Ino,
    expected: Fingerprint,
}

pub(super) async fn open(
    fs: &SimFs,
    path: &RelPath,
    expected: Fingerprint,
) -> Result<Arc<dyn Source>, FsError> {
    let opened = fs
        .step("open", |disk| {
            let ino = disk.at(path).map_err(failed)?;
            check(disk, ino, &expected)?;
            Ok(ino)
        })
        .await;
    let ino = fs.tell("open", path, opened)?;
    Ok(Arc::new(Opened {
        fs: fs.clone(),
        ino,
        expected,
    }))
}

fn check(disk: &Disk, ino: Ino, expected: &Fingerprint) -> Result<(), FsError> {
    let found = disk.stat(ino).map_err(failed)?;
    match found.kind == LocalKind::File && found.fingerprint == *expected {
        true => Ok(()),
        false => Err(FsError::Changed),
    }
}

#[async_trait]
impl Source for Opened {
    fn size(&self) -> u64 {
        self.expected.size
    }

    async fn whole(&self) -> Result<(Bytes, Sha256), FsError> {
        let mut read = BytesMut::new();
        let half = usize::try_from(self.expected.size / 2).unwrap_or(0);
        let first = self
            .fs
            .step("read the first half", |disk| disk.read(self.ino).map_err(failed));
        let first = first.await?;
        read.extend_from_slice(&first[..half.min(first.len())]);
        let rest = self
            .fs
            .step("read the rest", |disk| {
                check(disk, self.ino, &self.expected)?;
                disk.read(self.ino).map_err(failed)
            })
            .await;
        let rest = match rest {
            Err(FsError::Changed) => {
                self.fs.machine.hub.met("edit while it is read");
                return Err(FsError::Changed);
            }
            rest => rest?,
        };
        read.extend_from_slice(&rest[half.min(rest.len())..]);
        let read = read.freeze();
        let sha256 = Sha256(sha2::Sha256::digest(&read).into());
        Ok((read, sha256))
    }

    async fn hash(&self) -> Result<Sha256, FsError> {
        let hashed = self.whole().await.map(|(_, sha256)| sha256);
        self.fs.tell("hash", &self.ino, hashed)
    }

    async fn still(&self) -> Result<(), FsError> {
        self.fs
            .step("look whether it held still", |disk| {
                check(disk, self.ino, &self.expected)
            })
            .await
    }

    fn reopen(&self) -> Option<PathBuf> {
        None
    }
}
