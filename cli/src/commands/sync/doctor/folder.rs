//! The synced folder and its file system.

use super::{Findings, Known, some};
use crate::human::size;
use bitvault_device::fs::{Abilities, FileSystem as _, FsError, LinuxFs, own};
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
    match fs.abilities().await {
        Ok(abilities) => judge(&abilities, findings),
        Err(error) => {
            let cure = "make it writable for you, and make room";
            findings.wrong("file system", format!("nothing can be written: {error}"), cure);
        }
    }
}

fn judge(abilities: &Abilities, findings: &mut Findings) {
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
    match most.ok().and_then(|text| text.trim().parse().ok()) {
        Some(most) => compare(folders, most, findings),
        None => findings.note("watching", format!("{WATCHES} can't be read")),
    }
}

fn compare(folders: usize, most: usize, findings: &mut Findings) {
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

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    const ABLE: Abilities = Abilities {
        tells_case: true,
        tells_birth: true,
        exchanges: true,
        free_bytes: ROOM,
    };

    #[track_caller]
    fn check(abilities: Abilities, expected: [(Verdict, &str); 2]) {
        let mut findings = Findings::default();
        judge(&abilities, &mut findings);
        let told: Vec<_> = findings
            .0
            .iter()
            .map(|found| (found.verdict, found.check))
            .collect();
        let says: Vec<_> = findings.0.iter().map(|found| found.says.as_str()).collect();
        assert_eq!(
            told,
            [(expected[0].0, "file system"), (expected[1].0, "room")],
            "{says:?}"
        );
        for (said, (_, wanted)) in says.iter().zip(expected) {
            assert!(said.contains(wanted), "{said:?} does not tell {wanted:?}");
        }
    }

    #[test]
    fn what_a_file_system_lacks_is_told_by_how_bad_it_is() {
        let well = (Verdict::Well, "all that is needed");
        let room = (Verdict::Well, "are free");
        check(ABLE, [well, room]);
        let no_exchange = Abilities {
            exchanges: false,
            tells_case: false,
            ..ABLE
        };
        check(no_exchange, [(Verdict::Wrong, "can't be replaced"), room]);
        let folds = Abilities {
            tells_case: false,
            ..ABLE
        };
        check(folds, [(Verdict::Note, "a from A"), room]);
        let no_birth = Abilities {
            tells_birth: false,
            ..ABLE
        };
        check(no_birth, [(Verdict::Note, "when files were made"), room]);
        let full = Abilities {
            free_bytes: ROOM - 1,
            ..ABLE
        };
        check(full, [well, (Verdict::Wrong, "only")]);
    }

    #[test]
    fn more_folders_than_may_be_watched_are_told_with_the_command_that_helps() {
        for (folders, verdict) in [(8192, Verdict::Well), (8193, Verdict::Wrong)] {
            let mut findings = Findings::default();
            compare(folders, 8192, &mut findings);
            assert_eq!(findings.0[0].verdict, verdict, "{}", findings.0[0].says);
            let cure = findings.0[0].cure.as_deref().unwrap_or_default();
            assert_eq!(
                cure.contains("fs.inotify.max_user_watches=16386"),
                verdict == Verdict::Wrong
            );
        }
    }
}
