//! The device's trash: `.bitvault/trash/LABEL/NAME` beneath the root, so that moving there is a rename and nothing else.

use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};

use bitvault_planner::LocalKind;
use rustix::fs::{AtFlags, Dir};

use super::beneath::{Beneath, failed, rename_free, stat};
use crate::fs::{Found, FsError, Inventory, RelPath, own, untouched};

/// Where what is checked lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// In its place.
    Place,
    /// In the trash: our own rename has moved the change time of the topmost entry.
    Trash,
}

/// `between` is called after the first look and before the rename: tests edit there.
pub(super) fn discard(
    beneath: &Beneath,
    path: &RelPath,
    inventory: &Inventory,
    label: &str,
    between: impl FnOnce(),
) -> Result<(), FsError> {
    let (folder, name) = beneath.holder(path)?;
    check(beneath, path, inventory, At::Place)?;
    between();
    let kept = into_trash(beneath, (&folder, name), name, label, path)?;
    if let Err(error) = check(beneath, &kept, inventory, At::Trash) {
        // Something came between. It goes back, for good; should its name be taken meanwhile, it stays in the trash.
        let (trash, name_there) = beneath.holder(&kept)?;
        rename_free((&trash, name_there), (&folder, name), path)?;
        beneath.settle(&[path.folder()])?;
        return Err(error);
    }
    Ok(())
}

pub(super) fn sweep(beneath: &Beneath, leftover: &RelPath, label: &str) -> Result<(), FsError> {
    let (folder, name) = beneath.holder(leftover)?;
    if own::is_temp(name) {
        return rustix::fs::unlinkat(&folder, name, AtFlags::empty())
            .map_err(|errno| failed("remove", leftover, errno));
    }
    if !own::is_leftover(name) {
        return Err(FsError::Changed);
    }
    into_trash(beneath, (&folder, name), name, label, leftover).map(|_| ())
}

/// Moves an entry into the trash, and tells where it is now.
pub(super) fn into_trash(
    beneath: &Beneath,
    from: (impl AsFd, &str),
    name: &str,
    label: &str,
    path: &RelPath,
) -> Result<RelPath, FsError> {
    let trash = RelPath::root().join(own::FOLDER).join(own::TRASH);
    let labelled = trash.join(label);
    for folder in [&trash.folder(), &trash, &labelled] {
        beneath.own_folder(folder)?;
    }
    let to = beneath.folder(&labelled)?;
    // Several of one name may go under one label.
    let mut number = 1;
    loop {
        let kept = match number {
            1 => name.to_owned(),
            number => format!("{number}~{name}"),
        };
        match rename_free((from.0.as_fd(), from.1), (&to, &kept), path) {
            Err(FsError::Occupied) => number += 1,
            result => return result.map(|()| labelled.join(&kept)),
        }
    }
}

/// Removes what lies in the trash under older labels. What has no label of ours is left alone.
pub(super) fn empty(beneath: &Beneath, before: &str) -> Result<(), FsError> {
    let path = RelPath::root().join(own::FOLDER).join(own::TRASH);
    let trash = match beneath.folder(&path) {
        Ok(trash) => trash,
        Err(FsError::Changed) => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in Dir::read_from(&trash).map_err(|errno| failed("list", &path, errno))? {
        let entry = entry.map_err(|errno| failed("list", &path, errno))?;
        let Ok(label) = entry.file_name().to_str() else {
            continue;
        };
        if own::is_label(label) && label < before {
            // Through the open folder, and following no link in it.
            let gone = std::fs::remove_dir_all(format!("/proc/self/fd/{}/{label}", trash.as_raw_fd()));
            gone.map_err(|cause| FsError::Io {
                act: "empty",
                path: path.join(label),
                cause,
            })?;
        }
    }
    Ok(())
}

/// Fails with [`FsError::Changed`] unless just what is listed lies at and below the path.
fn check(beneath: &Beneath, path: &RelPath, inventory: &Inventory, at: At) -> Result<(), FsError> {
    let (folder, name) = beneath.holder(path)?;
    let top = stat(&folder, name).map_err(|errno| failed("look at", path, errno))?;
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
        seen += below(&beneath.folder(path)?, path, &RelPath::root(), inventory)?;
    }
    // What is gone meanwhile was removed by somebody: nothing is lost by going on, but the plan knew less than it should.
    if seen == inventory.expected.len() {
        Ok(())
    } else {
        Err(FsError::Changed)
    }
}

/// How many of the expected entries lie below an open folder.
fn below(folder: &OwnedFd, path: &RelPath, at: &RelPath, inventory: &Inventory) -> Result<usize, FsError> {
    let failed = |errno| failed("list", path, errno);
    let mut seen = 0;
    for entry in Dir::read_from(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = match entry.file_name().to_str() {
            Ok("." | "..") => continue,
            Ok(name) if own::is_own(name, false) => continue,
            Ok(name) => name,
            Err(_) => return Err(FsError::Changed),
        };
        let here = at.join(name);
        if inventory.ignored.contains(&here) {
            continue;
        }
        let found = stat(folder, name).map_err(failed)?;
        let expected = inventory.expected.get(&here).ok_or(FsError::Changed)?;
        if !is_expected(&found, expected) {
            return Err(FsError::Changed);
        }
        seen += 1;
        if found.kind == LocalKind::Folder {
            let flags = rustix::fs::OFlags::RDONLY
                | rustix::fs::OFlags::DIRECTORY
                | rustix::fs::OFlags::NOFOLLOW
                | rustix::fs::OFlags::CLOEXEC;
            let inner = rustix::fs::openat(folder, name, flags, rustix::fs::Mode::empty()).map_err(failed)?;
            seen += below(&inner, path, &here, inventory)?;
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
