//! What the file system of a synced folder can do, found out by trying it in the engine's own folder.

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::beneath::{Beneath, failed, stat};
use crate::fs::{FsError, RelPath, own};

/// What was found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// `a` and `A` are two files.
    pub tells_case: bool,
    /// It tells when a file was made: a renamed file is recognised though it was edited as well.
    pub tells_birth: bool,
    /// Two files can change places in one step, without which no file can be replaced safely.
    pub exchanges: bool,
    /// What this user may still write, in bytes.
    pub free_bytes: u64,
}

pub(super) fn try_out(beneath: &Beneath) -> Result<Abilities, FsError> {
    let path = RelPath::root().join(own::FOLDER);
    beneath.own_folder(&path)?;
    let folder = beneath.folder(&path)?;
    let space = rustix::fs::fstatvfs(&folder).map_err(|errno| failed("look at", &path, errno))?;
    let names = ["probe-a", "probe-b"];
    let tried = (|| {
        for name in names {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            rustix::fs::openat(&folder, name, flags, Mode::from_raw_mode(0o600))?;
        }
        let [one, other] = names;
        Ok(Abilities {
            tells_case: matches!(stat(&folder, "PROBE-A"), Err(Errno::NOENT)),
            tells_birth: stat(&folder, one)?.fingerprint.born.is_some(),
            exchanges: rustix::fs::renameat_with(&folder, one, &folder, other, RenameFlags::EXCHANGE).is_ok(),
            free_bytes: space.f_bavail * space.f_frsize,
        })
    })();
    for name in names {
        // The next try removes what can't be removed now.
        let _removed = rustix::fs::unlinkat(&folder, name, AtFlags::empty());
    }
    tried.map_err(|errno| failed("write", &path, errno))
}

/// What this user may still write in a folder, in bytes.
///
/// # Errors
/// When it can't be looked at.
pub fn free_bytes(folder: &std::path::Path) -> std::io::Result<u64> {
    let space = rustix::fs::statvfs(folder)?;
    Ok(space.f_bavail * space.f_frsize)
}
