//! Opening, looking and listing beneath the root.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use bitvault_planner::{Fingerprint, LocalKind, Name};
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, ResolveFlags, Statx, StatxAttributes, StatxFlags,
    StatxTimestamp,
};
use rustix::io::Errno;

use crate::fs::{Entry, Found, FsError, Listing, Marker, RelPath, Root, own};

/// Above so many files and folders, one sync of the whole file system is cheaper than one each.
const SYNCED_SINGLY: usize = 16;
/// Longest marker that is read, in bytes.
const MARKER_BYTES: usize = 4096;

/// The root, open.
pub(super) struct Beneath {
    root: OwnedFd,
    path: PathBuf,
    inode: (u64, u64),
}

impl Beneath {
    pub(super) fn open(path: &Path) -> Result<Self, FsError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| FsError::RootGone(format!("{}: {errno}", path.display())))?;
        let found = stat(&root, "").map_err(|errno| failed("look at", &RelPath::root(), errno))?;
        Ok(Self {
            root,
            path: path.to_owned(),
            inode: (found.fingerprint.device, found.fingerprint.inode),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The root is still what its path names, and neither was replaced by a mount point's empty folder.
    pub(super) fn root(&self) -> Result<Root, FsError> {
        let named = rustix::fs::statx(
            rustix::fs::CWD,
            &self.path,
            AtFlags::empty(),
            StatxFlags::BASIC_STATS | StatxFlags::BTIME,
        )
        .map_err(|errno| FsError::RootGone(format!("{}: {errno}", self.path.display())))?;
        let named = fingerprint(&named);
        if (named.device, named.inode) != self.inode {
            return Err(FsError::RootGone(format!(
                "{} is another folder now",
                self.path.display()
            )));
        }
        let at = RelPath::root().join(own::FOLDER).join(own::MARKER);
        let marker = super::source::read_start(self, &at, MARKER_BYTES)?
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(Root {
            fingerprint: named,
            marker,
        })
    }

    pub(super) fn mark(&self, marker: &Marker) -> Result<(), FsError> {
        let folder = RelPath::root().join(own::FOLDER);
        self.own_folder(&folder)?;
        let path = folder.join(own::MARKER);
        let failed = |errno| failed("write", &path, errno);
        let fd = self.folder(&folder)?;
        let temp = format!("{}.new", own::MARKER);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&fd, &temp, flags, Mode::from_raw_mode(0o600)).map_err(failed)?;
        let bytes = serde_json::to_vec(marker).unwrap_or_default();
        let mut file = std::fs::File::from(file);
        std::io::Write::write_all(&mut file, &bytes)
            .and_then(|()| file.sync_all())
            .map_err(|cause| FsError::Io {
                act: "write",
                path: path.clone(),
                cause,
            })?;
        rustix::fs::renameat(&fd, &temp, &fd, own::MARKER).map_err(failed)?;
        rustix::fs::fsync(&fd).map_err(failed)?;
        rustix::fs::fsync(&self.root).map_err(failed)
    }

    /// Makes sure that a folder of the engine's own is there.
    pub(super) fn own_folder(&self, path: &RelPath) -> Result<(), FsError> {
        let Some((folder, name)) = path.split() else {
            return Ok(());
        };
        let fd = self.folder(&folder)?;
        match rustix::fs::mkdirat(&fd, name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(failed("create", path, errno)),
        }
    }

    /// Opens beneath the root, following no link and entering no other file system.
    pub(super) fn open_beneath(&self, path: &RelPath, flags: OFlags) -> Result<OwnedFd, FsError> {
        let text = if path.is_root() { "." } else { path.as_str() };
        let resolve = ResolveFlags::BENEATH
            | ResolveFlags::NO_SYMLINKS
            | ResolveFlags::NO_MAGICLINKS
            | ResolveFlags::NO_XDEV;
        loop {
            let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            match rustix::fs::openat2(&self.root, text, flags, Mode::empty(), resolve) {
                // A rename happened at the same time; the kernel asks to try again.
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(errno) => return Err(failed("open", path, errno)),
                Ok(fd) => return Ok(fd),
            }
        }
    }

    pub(super) fn folder(&self, path: &RelPath) -> Result<OwnedFd, FsError> {
        self.open_beneath(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// The folder that holds it, open, and its name there.
    pub(super) fn holder<'a>(&self, path: &'a RelPath) -> Result<(OwnedFd, &'a str), FsError> {
        let (folder, name) = path.split().ok_or(FsError::Changed)?;
        Ok((self.folder(&folder)?, name))
    }

    pub(super) fn look(&self, path: &RelPath) -> Result<Option<Found>, FsError> {
        if path.is_root() {
            return stat(&self.root, "")
                .map(Some)
                .map_err(|errno| failed("look at", path, errno));
        }
        let looked = self
            .holder(path)
            .and_then(|(folder, name)| stat(&folder, name).map_err(|errno| failed("look at", path, errno)));
        match looked {
            Ok(found) => Ok(Some(found)),
            Err(FsError::Changed) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn list(&self, path: &RelPath) -> Result<Listing, FsError> {
        let failed = |errno| failed("list", path, errno);
        let folder = self.folder(path)?;
        let mut listing = Listing::default();
        for entry in Dir::read_from(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = match entry.file_name().to_str() {
                Ok("." | "..") => continue,
                Ok(own::FOLDER) if path.is_root() => continue,
                Ok(name) => name,
                Err(_) => {
                    listing
                        .unnameable
                        .push(entry.file_name().to_string_lossy().into_owned());
                    continue;
                }
            };
            if own::is_leftover(name) && (entry.file_type() != FileType::Directory || !own::is_temp(name)) {
                listing.leftovers.push(name.to_owned());
                continue;
            }
            let (found, is_mount) = match stat_mount(&folder, name) {
                Ok(found) => found,
                // Gone since the folder was read: as if it had never been listed.
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(failed(errno)),
            };
            let name = Name::from(name);
            if is_mount {
                listing.mounts.push(name.clone());
            }
            listing.entries.push(Entry { name, found });
        }
        listing.entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(listing)
    }

    pub(super) fn settle(&self, touched: &[RelPath]) -> Result<(), FsError> {
        let all = || {
            rustix::fs::syncfs(&self.root).map_err(|errno| failed("make durable", &RelPath::root(), errno))
        };
        if touched.len() > SYNCED_SINGLY {
            return all();
        }
        for path in touched {
            match self.open_beneath(path, OFlags::RDONLY) {
                Ok(fd) => rustix::fs::fsync(&fd).map_err(|errno| failed("make durable", path, errno))?,
                // Moved since it was touched, by us or by somebody else; or it may not be read.
                Err(_) => return all(),
            }
        }
        Ok(())
    }
}

/// What is called so in a folder; an empty name is the folder itself.
pub(super) fn stat(folder: impl AsFd, name: &str) -> Result<Found, Errno> {
    stat_mount(folder, name).map(|(found, _)| found)
}

fn stat_mount(folder: impl AsFd, name: &str) -> Result<(Found, bool), Errno> {
    let flags = if name.is_empty() {
        AtFlags::EMPTY_PATH
    } else {
        AtFlags::SYMLINK_NOFOLLOW
    };
    let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    let stat = rustix::fs::statx(folder, name, flags, wanted)?;
    let is_mount = !name.is_empty() && stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT);
    let kind = match FileType::from_raw_mode(u32::from(stat.stx_mode)) {
        _ if is_mount => LocalKind::Other,
        FileType::Directory => LocalKind::Folder,
        FileType::RegularFile => LocalKind::File,
        _ => LocalKind::Other,
    };
    let mut fingerprint = fingerprint(&stat);
    if kind != LocalKind::File {
        fingerprint.size = 0;
    }
    Ok((Found { kind, fingerprint }, is_mount))
}

fn fingerprint(stat: &Statx) -> Fingerprint {
    let has_born = stat.stx_mask & StatxFlags::BTIME.bits() != 0;
    Fingerprint {
        device: rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor),
        inode: stat.stx_ino,
        born: has_born.then(|| nanoseconds(&stat.stx_btime)),
        size: stat.stx_size,
        modified: nanoseconds(&stat.stx_mtime),
        changed: nanoseconds(&stat.stx_ctime),
    }
}

fn nanoseconds(time: &StatxTimestamp) -> i64 {
    time.tv_sec
        .saturating_mul(1_000_000_000)
        .saturating_add(i64::from(time.tv_nsec))
}

/// Renames where nothing may be overwritten.
pub(super) fn rename_free(
    from: (impl AsFd, &str),
    to: (impl AsFd, &str),
    path: &RelPath,
) -> Result<(), FsError> {
    rustix::fs::renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE)
        .map_err(|errno| failed("rename", path, errno))
}

/// What a refusal of the system means for the engine.
pub(super) fn failed(act: &'static str, path: &RelPath, errno: Errno) -> FsError {
    match errno {
        // Gone; or a symbolic link, a file or another file system is now on the way.
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV | Errno::ISDIR => FsError::Changed,
        Errno::EXIST | Errno::NOTEMPTY => FsError::Occupied,
        Errno::NOSPC | Errno::DQUOT => FsError::Full,
        _ => FsError::Io {
            act,
            path: path.clone(),
            cause: errno.into(),
        },
    }
}
