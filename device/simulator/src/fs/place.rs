//! Putting things in their place, step by step as the real file system does it.

use bitvault_device::fs::{
    Aside, DISK_TRIES, Found, FsError, RelPath, Written, after_placing, after_rename, own, untouched,
};
use bitvault_device::planner::{Fingerprint, LocalKind};

use super::trash::into_trash;
use super::{SimFs, failed};
use crate::disk::Disk;

pub(super) async fn place(fs: &SimFs, temp: &Written, name: &str) -> Result<Fingerprint, FsError> {
    let path = temp.path.folder().join(name);
    fs.step("place", |disk| rename_free(disk, &temp.path, &path))
        .await?;
    let now = fs.step("look at what was placed", |disk| stat(disk, &path)).await;
    Ok(after_placing(now, temp))
}

pub(super) async fn replace(
    fs: &SimFs,
    temp: &Written,
    name: &str,
    expected: Fingerprint,
    aside: &Aside,
) -> Result<Fingerprint, FsError> {
    let folder = temp.path.folder();
    let path = folder.join(name);
    let temp_name = temp.path.split().map_or("", |(_, name)| name);
    let swap = folder.join(&own::swap_name(temp_name));
    let found = fs.step("look before replacing", |disk| stat(disk, &path)).await?;
    if found.kind != LocalKind::File || found.fingerprint != expected {
        return Err(FsError::Changed);
    }
    fs.step("rename to swap", |disk| rename_free(disk, &temp.path, &swap))
        .await?;
    let exchange = |disk: &mut Disk| {
        let (one, other) = (
            disk.holder(&swap).map_err(failed)?,
            disk.holder(&path).map_err(failed)?,
        );
        disk.exchange(one, other).map_err(failed)
    };
    if let Err(error) = fs.step("exchange", exchange).await {
        fs.step("rename from swap", |disk| rename_free(disk, &swap, &temp.path))
            .await?;
        return Err(error);
    }
    fs.machine.lock().renaming_to = Some(path.clone());
    let old = again(fs, "look at what made place", |disk| stat(disk, &swap)).await?;
    if old.kind != LocalKind::File || !untouched(&old.fingerprint, &expected) {
        fs.machine.hub.met("write between check and rename");
        match again(fs, "exchange back", exchange).await {
            Err(FsError::Changed) => {
                fs.step("put back", |disk| rename_free(disk, &swap, &path))
                    .await?;
                durable(fs, &folder).await?;
                return Err(FsError::Changed);
            }
            exchanged => exchanged?,
        }
        durable(fs, &folder).await?;
        let ours = again(fs, "look at ours", |disk| stat(disk, &swap)).await?;
        if ours.kind == LocalKind::File && untouched(&ours.fingerprint, &temp.fingerprint) {
            fs.step("rename from swap", |disk| rename_free(disk, &swap, &temp.path))
                .await?;
        } else {
            fs.machine.hub.met("write to what is taken back");
            give_free(fs, &swap, |number| folder.join(&aside.copy(name, number))).await?;
            durable(fs, &folder).await?;
        }
        return Err(FsError::Changed);
    }
    let now = fs.step("look at what was placed", |disk| stat(disk, &path)).await;
    // What can't go there stays under the engine's own name.
    if into_trash(fs, &swap, name, &aside.label).await.is_err() {
        let swap_name = swap.split().map_or("", |(_, name)| name);
        let old = folder.join(&own::old_name(swap_name));
        let _ = fs
            .step("name what made place", |disk| rename_free(disk, &swap, &old))
            .await;
    }
    Ok(after_placing(now, temp))
}

/// Gives an entry the first name that nothing has, of names by their number.
async fn give_free(fs: &SimFs, from: &RelPath, name: impl Fn(u32) -> RelPath) -> Result<(), FsError> {
    let mut number = 1;
    loop {
        let to = name(number);
        match again(fs, "make a conflicted copy", |disk| rename_free(disk, from, &to)).await {
            Err(FsError::Occupied) => number += 1,
            result => return result,
        }
    }
}

/// Tries a step again when the disk answers with an error.
async fn again<T>(
    fs: &SimFs,
    what: &'static str,
    act: impl Fn(&mut Disk) -> Result<T, FsError> + Copy + Send,
) -> Result<T, FsError> {
    for _ in 1..DISK_TRIES {
        match fs.step(what, act).await {
            Err(FsError::Io { .. }) => {}
            done => return done,
        }
    }
    fs.step(what, act).await
}

pub(super) async fn rename(
    fs: &SimFs,
    from: &RelPath,
    expected: Found,
    to: &RelPath,
) -> Result<Fingerprint, FsError> {
    let found = fs.step("look before renaming", |disk| stat(disk, from)).await?;
    let is_expected = found.kind == expected.kind
        && match found.kind {
            LocalKind::File => found.fingerprint == expected.fingerprint,
            _ => found.fingerprint.may_be_same_inode(&expected.fingerprint),
        };
    if !is_expected {
        return Err(FsError::Changed);
    }
    fs.step("rename", |disk| rename_free(disk, from, to)).await?;
    let now = fs.step("look at what was renamed", |disk| stat(disk, to)).await?;
    if !now.fingerprint.may_be_same_inode(&expected.fingerprint) {
        fs.machine.hub.met("write between check and rename");
        fs.step("rename back", |disk| rename_free(disk, to, from)).await?;
        return Err(FsError::Changed);
    }
    match now.kind {
        LocalKind::Folder => Ok(now.fingerprint),
        _ => Ok(after_rename(now.fingerprint, expected.fingerprint)),
    }
}

/// Makes the names in a folder durable.
pub(super) async fn durable(fs: &SimFs, folder: &RelPath) -> Result<(), FsError> {
    fs.step("make a folder durable", |disk| {
        let folder = disk.at(folder).map_err(failed)?;
        disk.fsync(folder);
        Ok(())
    })
    .await
}

pub(super) fn stat(disk: &Disk, path: &RelPath) -> Result<Found, FsError> {
    let found = disk.at(path).and_then(|ino| disk.stat(ino)).map_err(failed)?;
    Ok(super::folder_without_size(found))
}

pub(super) fn rename_free(disk: &mut Disk, from: &RelPath, to: &RelPath) -> Result<(), FsError> {
    let (from, to) = (
        disk.holder(from).map_err(failed)?,
        disk.holder(to).map_err(failed)?,
    );
    disk.rename_free(from, to).map_err(failed)
}
