//! The device's trash, step by step as the real file system does it.

use bitvault_device::fs::{Found, FsError, Inventory, RelPath, own, untouched};
use bitvault_device::planner::LocalKind;
use bytes::Bytes;

use super::place::{durable, rename_free, stat};
use super::{SimFs, failed, folder_without_size, own_folder};
use crate::disk::{Disk, Ino};

/// Where what is checked lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// In its place.
    Place,
    /// In the trash: the engine's rename has moved the change time of the topmost entry.
    Trash,
}

pub(super) async fn discard(
    fs: &SimFs,
    path: &RelPath,
    inventory: &Inventory,
    label: &str,
) -> Result<(), FsError> {
    let name = path.split().map_or("", |(_, name)| name);
    // What comes later, and is not noticed, is not what it decided to remove.
    let decided = fs
        .step("check before discarding", |disk| {
            check(disk, path, inventory, At::Place)?;
            Ok(persons(disk, path))
        })
        .await?;
    let kept = into_trash(fs, path, name, label).await?;
    let contents = {
        let mut machine = fs.machine.lock();
        let contents = machine.disk.contents(&kept);
        // What came between is there until it is back.
        if check(&machine.disk, &kept, inventory, At::Trash).is_err() {
            machine.kept_in_trash.extend(contents.iter().cloned());
        }
        contents
    };
    let checked = fs
        .step("check what was discarded", |disk| {
            check(disk, &kept, inventory, At::Trash)
        })
        .await;
    if let Err(error) = checked {
        fs.machine.hub.met("write between check and rename");
        fs.step("put back", |disk| rename_free(disk, &kept, path)).await?;
        durable(fs, &path.folder()).await?;
        let mut machine = fs.machine.lock();
        machine
            .kept_in_trash
            .retain(|content| !contents.contains(content));
        return Err(error);
    }
    fs.machine.lock().discarded.extend(decided);
    Ok(())
}

pub(super) async fn sweep(fs: &SimFs, leftover: &RelPath, label: &str) -> Result<(), FsError> {
    let name = leftover.split().map_or("", |(_, name)| name);
    if own::is_temp(name) {
        return fs
            .step("remove a leftover", |disk| {
                let (folder, name) = disk.holder(leftover).map_err(failed)?;
                disk.unlink(folder, name).map_err(failed)
            })
            .await;
    }
    into_trash(fs, leftover, name, label).await.map(|_| ())
}

/// Moves an entry into the trash, and tells where it is now.
pub(super) async fn into_trash(
    fs: &SimFs,
    from: &RelPath,
    name: &str,
    label: &str,
) -> Result<RelPath, FsError> {
    let trash = RelPath::root().join(own::FOLDER).join(own::TRASH);
    let labelled = trash.join(label);
    fs.step("make place in the trash", |disk| {
        for folder in [&trash.folder(), &trash, &labelled] {
            own_folder(disk, folder)?;
        }
        Ok(())
    })
    .await?;
    fs.step("move to the trash", |disk| {
        let mut number = 1;
        loop {
            let kept = labelled.join(&match number {
                1 => name.to_owned(),
                number => format!("{number}~{name}"),
            });
            match rename_free(disk, from, &kept) {
                Err(FsError::Occupied) => number += 1,
                result => return result.map(|()| kept),
            }
        }
    })
    .await
}

pub(super) fn empty(disk: &mut Disk, before: &str) -> Result<(), FsError> {
    let Ok(trash) = disk.at(&RelPath::root().join(own::FOLDER).join(own::TRASH)) else {
        return Ok(());
    };
    for (label, _) in disk.entries(trash).map_err(failed)? {
        if own::is_label(&label) && label.as_str() < before {
            disk.unlink(trash, &label).map_err(failed)?;
        }
    }
    Ok(())
}

/// The contents of the files at and below a path, but for those that the engine is writing.
fn persons(disk: &Disk, path: &RelPath) -> Vec<Bytes> {
    let prefix = format!("{path}/");
    let files = disk.files().into_iter();
    let files = files.filter(|(file, _, _)| {
        let name = file.split().map_or("", |(_, name)| name);
        (file == path || file.as_str().starts_with(&prefix)) && !own::is_temp(name)
    });
    files.map(|(_, _, content)| content).collect()
}

/// Fails with [`FsError::Changed`] unless just what is listed lies at and below the path.
fn check(disk: &Disk, path: &RelPath, inventory: &Inventory, at: At) -> Result<(), FsError> {
    let top = stat(disk, path)?;
    let expected = inventory.expected.get(&RelPath::root()).ok_or(FsError::Changed)?;
    let is_same = match top.kind {
        LocalKind::File if at == At::Trash => {
            expected.kind == top.kind && untouched(&top.fingerprint, &expected.fingerprint)
        }
        _ => is_expected(&top, expected),
    };
    if !is_same {
        return Err(FsError::Changed);
    }
    let mut seen = 1;
    if top.kind == LocalKind::Folder {
        let ino = disk.at(path).map_err(failed)?;
        seen += below(disk, ino, &RelPath::root(), inventory)?;
    }
    match seen == inventory.expected.len() {
        true => Ok(()),
        false => Err(FsError::Changed),
    }
}

/// How many of the expected entries lie below a folder.
fn below(disk: &Disk, folder: Ino, at: &RelPath, inventory: &Inventory) -> Result<usize, FsError> {
    let mut seen = 0;
    for (name, ino) in disk.entries(folder).map_err(failed)? {
        let here = at.join(&name);
        if own::is_own(&name, false) || inventory.ignored.contains(&here) {
            continue;
        }
        let found = folder_without_size(disk.stat(ino).map_err(failed)?);
        let expected = inventory.expected.get(&here).ok_or(FsError::Changed)?;
        if !is_expected(&found, expected) {
            return Err(FsError::Changed);
        }
        seen += 1;
        if found.kind == LocalKind::Folder {
            seen += below(disk, ino, &here, inventory)?;
        }
    }
    Ok(seen)
}

fn is_expected(found: &Found, expected: &Found) -> bool {
    found.kind == expected.kind
        && match found.kind {
            LocalKind::File => found.fingerprint == expected.fingerprint,
            _ => found.fingerprint.may_be_same_inode(&expected.fingerprint),
        }
}
