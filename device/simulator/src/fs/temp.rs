//! Writing files under a name of the engine's own.

use async_trait::async_trait;
use bitvault_device::fs::{FsError, RelPath, Temp, Written, own};
use bitvault_device::planner::{LocalKind, Sha256};
use bytes::Bytes;
use sha2::Digest as _;

use super::{SimFs, failed};
use crate::disk::{Disk, Ino};

struct Writing {
    fs: SimFs,
    ino: Ino,
    path: RelPath,
    hasher: sha2::Sha256,
}

pub(super) async fn create(fs: &SimFs, folder: &RelPath, tag: u64) -> Result<Box<dyn Temp>, FsError> {
    let path = folder.join(&own::temp_name(tag));
    let created = fs
        .step("create a temporary file", |disk| {
            let (folder, name) = disk.holder(&path).map_err(failed)?;
            disk.create(folder, name, LocalKind::File).map_err(failed)
        })
        .await;
    let ino = fs.tell("create", &path, created)?;
    Ok(Box::new(Writing {
        fs: fs.clone(),
        ino,
        path,
        hasher: sha2::Sha256::new(),
    }))
}

pub(super) async fn resume(
    fs: &SimFs,
    folder: &RelPath,
    tag: u64,
    size: u64,
) -> Result<(Box<dyn Temp>, u64), FsError> {
    let path = folder.join(&own::partial_name(tag));
    let opened = fs
        .step("open a beginning", |disk| {
            let (folder, name) = disk.holder(&path).map_err(failed)?;
            let ino = match disk.child(folder, name) {
                Ok(ino) => ino,
                Err(_) => disk.create(folder, name, LocalKind::File).map_err(failed)?,
            };
            let has = disk.read(ino).map_err(failed)?;
            if has.len() as u64 <= size {
                return Ok((ino, has));
            }
            disk.truncate(ino);
            Ok((ino, Bytes::new()))
        })
        .await;
    let (ino, has) = fs.tell("open", &path, opened)?;
    if !has.is_empty() {
        fs.machine.hub.met("a download gone on with");
    }
    let temp = Writing {
        fs: fs.clone(),
        ino,
        path,
        hasher: sha2::Sha256::new_with_prefix(&has),
    };
    Ok((Box::new(temp), has.len() as u64))
}

/// Removes our own file, if it still is that.
pub(super) fn remove(disk: &mut Disk, temp: &Written) -> Result<(), FsError> {
    let (folder, name) = disk.holder(&temp.path).map_err(failed)?;
    let found = disk
        .child(folder, name)
        .and_then(|ino| disk.stat(ino))
        .map_err(failed)?;
    if !own::is_temp(name) || !found.fingerprint.may_be_same_inode(&temp.fingerprint) {
        return Err(FsError::Changed);
    }
    disk.unlink(folder, name).map_err(failed)
}

#[async_trait]
impl Temp for Writing {
    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError> {
        let half = bytes.len() / 2;
        for part in [bytes.slice(..half), bytes.slice(half..)] {
            let written = self
                .fs
                .step("write", |disk| disk.append(self.ino, &part).map_err(failed))
                .await;
            if let Err(error) = written {
                if matches!(error, FsError::Full) {
                    self.fs.machine.hub.met("disk full in the middle of a write");
                }
                return Err(error);
            }
            self.hasher.update(&part);
        }
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<Written, FsError> {
        let this = *self;
        let finished = this
            .fs
            .step("finish", |disk| {
                let found = disk.stat(this.ino).map_err(failed)?;
                disk.is_download(this.ino);
                disk.set_modified(
                    this.ino,
                    found.fingerprint.modified.div_euclid(1_000_000_000) * 1_000_000_000,
                );
                Ok(disk.stat(this.ino).map_err(failed)?.fingerprint)
            })
            .await?;
        Ok(Written {
            path: this.path,
            fingerprint: finished,
            sha256: Sha256(this.hasher.finalize().into()),
        })
    }
}
