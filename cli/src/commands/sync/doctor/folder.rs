//! The synced folder and its file system.

use super::{Findings, Known, some};
use crate::human::size;
use bitvault_device::fs::{FileSystem as _, FsError, LinuxFs, own};
use bitvault_device::planner::LocalKind;
use bitvault_device::scan::path_of;
use std::path::Path;

/// Less room than this, in bytes, is told.
const ROOM: u64 = 100 << 20;
const WATCHES: &str = "/proc/sys/fs/inotify/max_user_watches";

pub(super) async fn look(known: &Known, findings: &mut Findings) {
    let meta = &known.loaded.meta;
    let fs = match LinuxFs::open(Path::new(&meta.shown)) {
        Ok(fs) => fs,
        Err(error) => {
            let says = match error {
                FsError::Changed => format!("{} is not there", meta.shown),
                error => error.to_string(),
            };
            let cure = "mount its disk, or move the folder back to where it was";
            return findings.wrong("folder", says, cure);
        }
    };
    if !marker(known, &fs, findings).await {
        // An empty mount point, or somebody else's: nothing is written there.
        return;
    }
    abilities(&fs, findings).await;
    watches(known, findings);
    if !known.runs {
        leftovers(known, &fs, findings).await;
    }
}

/// Whether the folder is the one that was synced.
async fn marker(known: &Known, fs: &LinuxFs, findings: &mut Findings) -> bool {
    let meta = &known.loaded.meta;
    let root = match fs.root().await {
        Ok(root) => root,
        Err(error) => {
            findings.wrong("folder", error.to_string(), "sync again once it is there");
            return false;
        }
    };
    let anew = "sync again: both sides are compared anew by content, and nothing is removed";
    match &root.marker {
        None => {
            findings.wrong(
                "folder",
                format!("its marker, {}/{}, is missing", own::FOLDER, own::MARKER),
                "mount the right disk; if this is the right folder, remove the state and sync again",
            );
            return false;
        }
        Some(marker) if marker.state != meta.state => {
            findings.wrong("folder", "it was synced by another state since", anew);
        }
        Some(_) if meta.folder.1 != root.fingerprint.inode => {
            findings.wrong("folder", "it is a copy of the one that was synced", anew);
        }
        Some(marker) if marker.seal != meta.seal && meta.next_seal.as_ref() != Some(&marker.seal) => {
            findings.wrong("folder", "it or the state was put back to an earlier one", anew);
        }
        Some(_) => findings.well("folder", "it is there, and is the one that was synced"),
    }
    true
}

async fn abilities(fs: &LinuxFs, findings: &mut Findings) {
    let abilities = match fs.abilities().await {
        Ok(abilities) => abilities,
        Err(error) => {
            let cure = "make it writable for you, and make room";
            return findings.wrong("file system", format!("nothing can be written: {error}"), cure);
        }
    };
    if !abilities.exchanges {
        findings.wrong(
            "file system",
            "it can't let two files change places, so files that changed on the server can't be replaced",
            "move the folder to ext4, XFS, btrfs or tmpfs",
        );
    } else if !abilities.tells_case {
        findings.note(
            "file system",
            "it does not tell a from A: renames in case only are not seen here",
        );
    } else if !abilities.tells_birth {
        findings.note(
            "file system",
            "it does not tell when files were made: one that is edited and moved between two looks counts as new",
        );
    } else {
        findings.well("file system", "it can do all that is needed");
    }
    let free = abilities.free_bytes;
    if free < ROOM {
        let says = format!("only {} are free", size(free));
        findings.wrong(
            "room",
            says,
            "make room, or leave folders out with `bitvault sync exclude`",
        );
    } else {
        findings.well("room", format!("{} are free", size(free)));
    }
}

fn watches(known: &Known, findings: &mut Findings) {
    let local = &known.loaded.trees.local;
    let folders = local
        .iter()
        .filter(|entry| entry.kind == LocalKind::Folder)
        .count();
    let most = std::fs::read_to_string(WATCHES);
    let Some(most) = most.ok().and_then(|text| text.trim().parse::<usize>().ok()) else {
        return findings.note("watching", format!("{WATCHES} can't be read"));
    };
    if folders > most {
        findings.wrong(
            "watching",
            format!("{folders} folders are more than the {most} that may be watched; changes are found late"),
            format!("sudo sysctl fs.inotify.max_user_watches={}", folders * 2),
        );
    } else {
        findings.well("watching", format!("{folders} folders of at most {most}"));
    }
}

/// Temporary files of the engine's own.
async fn leftovers(known: &Known, fs: &LinuxFs, findings: &mut Findings) {
    let local = &known.loaded.trees.local;
    let mut found = Vec::new();
    for folder in local
        .iter()
        .filter(|entry| entry.kind == LocalKind::Folder && !entry.ignored)
    {
        let Some(path) = path_of(&known.loaded.trees, folder.id) else {
            continue;
        };
        // A folder that is gone since the last look has none.
        if let Ok(listing) = fs.list(&path).await {
            found.extend(listing.leftovers.iter().map(|name| path.join(name).to_string()));
        }
    }
    if found.is_empty() {
        findings.well("leftovers", "no temporary files are left");
    } else {
        let says = format!(
            "{} temporary files, which the next sync goes on with or clears",
            some(&found)
        );
        findings.note("leftovers", says);
    }
}
