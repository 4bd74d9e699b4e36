//! Putting things in their place without ever overwriting one.

use std::os::fd::AsFd;

use bitvault_planner::{Fingerprint, LocalKind};
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::beneath::{Beneath, failed, rename_free, stat};
use super::trash::into_trash;
use crate::fs::{
    Aside, DISK_TRIES, Found, FsError, RelPath, Written, after_placing, after_rename, own, untouched,
};

pub(super) fn create_folder(beneath: &Beneath, path: &RelPath) -> Result<Fingerprint, FsError> {
    let (folder, name) = beneath.holder(path)?;
    rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o777))
        .map_err(|errno| failed("create", path, errno))?;
    let found = stat(&folder, name).map_err(|errno| failed("look at", path, errno))?;
    match found.kind {
        LocalKind::Folder => Ok(found.fingerprint),
        _ => Err(FsError::Changed),
    }
}

/// `behind` is called after the rename: tests let a person act there.
pub(super) fn place(
    beneath: &Beneath,
    temp: &Written,
    name: &str,
    behind: impl FnOnce(),
) -> Result<Fingerprint, FsError> {
    let (folder, temp_name) = beneath.holder(&temp.path)?;
    let path = temp.path.folder().join(name);
    rename_free((&folder, temp_name), (&folder, name), &path)?;
    behind();
    let now = stat(&folder, name).map_err(|errno| failed("look at", &path, errno));
    Ok(after_placing(now, temp))
}

/// Where tests let a person act while a file is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// After the look and before the exchange.
    Looked,
    /// After the exchange, before what made place is looked at.
    Exchanged,
}

/// `at` is called at each moment.
pub(super) fn replace(
    beneath: &Beneath,
    temp: &Written,
    name: &str,
    expected: Fingerprint,
    aside: &Aside,
    at: impl Fn(Moment),
) -> Result<Fingerprint, FsError> {
    let (folder, temp_name) = beneath.holder(&temp.path)?;
    let path = temp.path.folder().join(name);
    let failed = |errno| failed("replace", &path, errno);
    let found = stat(&folder, name).map_err(failed)?;
    if found.kind != LocalKind::File || found.fingerprint != expected {
        return Err(FsError::Changed);
    }
    // A script stays one that can be run.
    let file = beneath.open_beneath(&temp.path, OFlags::RDONLY)?;
    rustix::fs::fchmod(&file, mode(&folder, name).map_err(failed)?).map_err(failed)?;
    let swap_name = own::swap_name(temp_name);
    rename_free((&folder, temp_name), (&folder, &swap_name), &path)?;
    at(Moment::Looked);
    let exchange = || {
        rustix::fs::renameat_with(&folder, &swap_name, &folder, name, RenameFlags::EXCHANGE).map_err(failed)
    };
    if let Err(error) = exchange() {
        rename_free((&folder, &swap_name), (&folder, temp_name), &path)?;
        return Err(error);
    }
    at(Moment::Exchanged);
    // What made place can be looked at in peace now: nobody knows its new name. It may be what a person just wrote, and must not
    // stay there because the disk answers with an error once.
    let old = again(|| stat(&folder, &swap_name).map_err(failed))?;
    if old.kind != LocalKind::File || !untouched(&old.fingerprint, &expected) {
        match again(exchange) {
            // Somebody took ours away meanwhile, or moved it elsewhere: the name is free.
            Err(FsError::Changed) => {
                rename_free((&folder, &swap_name), (&folder, name), &path)?;
                beneath.settle(&[path.folder()])?;
                return Err(FsError::Changed);
            }
            exchanged => exchanged?,
        }
        beneath.settle(&[path.folder()])?;
        let ours = again(|| stat(&folder, &swap_name).map_err(failed))?;
        if ours.kind == LocalKind::File && untouched(&ours.fingerprint, &temp.fingerprint) {
            rename_free((&folder, &swap_name), (&folder, temp_name), &path)?;
        } else {
            // Somebody wrote to the name, or put something there, while ours had it.
            give_free((&folder, &swap_name), |number| aside.copy(name, number), &path)?;
            beneath.settle(&[path.folder()])?;
        }
        return Err(FsError::Changed);
    }
    let now = stat(&folder, name).map_err(failed);
    if let Err(error) = into_trash(beneath, (&folder, &swap_name), name, &aside.label, &path) {
        tracing::warn!(%path, %error, "move what made place to the trash");
        // Its name says from now on that it is no person's.
        let _renamed = rename_free(
            (&folder, &swap_name),
            (&folder, &own::old_name(&swap_name)),
            &path,
        );
    }
    Ok(after_placing(now, temp))
}

/// Gives an entry the first name that nothing in its folder has, of names by their number.
fn give_free(
    (folder, from): (impl AsFd, &str),
    name: impl Fn(u32) -> String,
    path: &RelPath,
) -> Result<(), FsError> {
    let mut number = 1;
    loop {
        let to = name(number);
        match again(|| rename_free((&folder, from), (&folder, &to), path)) {
            Err(FsError::Occupied) => number += 1,
            result => return result,
        }
    }
}

/// Tries a step again when the disk answers with an error.
fn again<T>(step: impl Fn() -> Result<T, FsError>) -> Result<T, FsError> {
    for _ in 1..DISK_TRIES {
        match step() {
            Err(FsError::Io { .. }) => {}
            done => return done,
        }
    }
    step()
}

/// Who may read, write and run a file.
fn mode(folder: impl AsFd, name: &str) -> Result<Mode, Errno> {
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(Mode::from_raw_mode(stat.st_mode & 0o777))
}

/// `between` is called after the look and before the rename: tests edit there.
pub(super) fn rename(
    beneath: &Beneath,
    from: &RelPath,
    expected: Found,
    to: &RelPath,
    between: impl FnOnce(),
) -> Result<Fingerprint, FsError> {
    let (from_folder, from_name) = beneath.holder(from)?;
    let (to_folder, to_name) = beneath.holder(to)?;
    let found = stat(&from_folder, from_name).map_err(|errno| failed("look at", from, errno))?;
    let is_expected = found.kind == expected.kind
        && match found.kind {
            LocalKind::File => found.fingerprint == expected.fingerprint,
            _ => found.fingerprint.may_be_same_inode(&expected.fingerprint),
        };
    if !is_expected {
        return Err(FsError::Changed);
    }
    between();
    rename_free((&from_folder, from_name), (&to_folder, to_name), to)?;
    let now = stat(&to_folder, to_name).map_err(|errno| failed("look at", to, errno))?;
    if !now.fingerprint.may_be_same_inode(&expected.fingerprint) {
        // Another one had been put in its place: it goes back where it was, if that is still free.
        rename_free((&to_folder, to_name), (&from_folder, from_name), from)?;
        return Err(FsError::Changed);
    }
    match now.kind {
        // Of a folder only the inode counts.
        LocalKind::Folder => Ok(now.fingerprint),
        _ => Ok(after_rename(now.fingerprint, expected.fingerprint)),
    }
}
