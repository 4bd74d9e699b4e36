//! Lists the folder, whole or in parts, into what the planner compares with what was known.
//!
//! Owns: which entries are looked at (ignore rules, own files, other file systems) and nothing durable. Called by the
//! engine.
//!
//! Invariants: a folder that can't be listed is not in the scan as listed, so that nothing below it counts as gone.
//! Symbolic links and special files are among the entries, and never followed or opened. Content is not read here.

mod ignored;

use std::collections::HashMap;

use bitvault_planner::{LocalId, LocalKind, LocalNode, Name, Scan, ScanEntry, ScanParent, Trees};

use crate::fs::{FileSystem, FsError, Listing, RelPath};
use crate::state::Trouble;
use ignored::Rules;

/// What a look at the folder found.
#[derive(Debug, Default)]
pub struct Survey {
    /// For the planner.
    pub scan: Scan,
    /// Temporary files of the engine's own that a crash left.
    pub leftovers: Vec<RelPath>,
    /// What could not be looked at, or can't be synced.
    pub troubles: Vec<Trouble>,
    /// Whether every folder that was to be listed was.
    pub is_complete: bool,
}

/// Where an entry of the device lies; none when it is gone.
pub fn path_of(trees: &Trees, id: LocalId) -> Option<RelPath> {
    let mut names: Vec<&Name> = Vec::new();
    let mut at = trees.local.get(id)?;
    while let Some(parent) = at.parent {
        names.push(&at.name);
        at = trees.local.get(parent)?;
    }
    Some(RelPath::of(names.into_iter().rev()))
}

/// How far down a look at a folder goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All that is below it.
    All,
    /// What it holds, and all that is below folders that were not known there.
    New,
}

/// Lists these known folders.
///
/// # Errors
/// Only when the whole folder can't be looked at; of a part of it, a trouble tells.
pub async fn survey(
    fs: &dyn FileSystem,
    trees: &Trees,
    folders: &[LocalId],
    depth: Depth,
) -> Result<Survey, FsError> {
    let mut survey = Survey {
        is_complete: true,
        ..Survey::default()
    };
    let folders = match depth {
        Depth::All => topmost(trees, folders),
        Depth::New => folders.to_vec(),
    };
    for folder in folders {
        let Some(path) = path_of(trees, folder) else {
            continue;
        };
        let rules = match Rules::above(fs, &path).await {
            Ok(rules) => rules,
            Err(reason) => {
                survey.not_listed(&path, reason)?;
                continue;
            }
        };
        let is_ignored = trees.local.get(folder).is_some_and(|entry| entry.ignored);
        let open = Open {
            parent: ScanParent::Listed(folder),
            known: Some(folder),
            path,
            rules,
            is_ignored,
            depth,
        };
        list_all(fs, trees, open, &mut survey).await?;
    }
    Ok(survey)
}

/// A folder that is to be listed.
struct Open {
    parent: ScanParent,
    /// Which known folder it was, by its name: the planner finds out what it really is.
    known: Option<LocalId>,
    path: RelPath,
    rules: Rules,
    is_ignored: bool,
    depth: Depth,
}

async fn list_all(
    fs: &dyn FileSystem,
    trees: &Trees,
    first: Open,
    survey: &mut Survey,
) -> Result<(), FsError> {
    let mut open = vec![first];
    while let Some(folder) = open.pop() {
        let listing = match list(fs, trees, &folder).await {
            Ok(listing) => listing,
            Err(reason) if folder.path.is_root() => return Err(reason.into_error()),
            Err(reason) => {
                survey.not_listed(&folder.path, reason)?;
                continue;
            }
        };
        // Without its rules a folder's entries would be synced that are to stay here.
        let rules = match folder.rules.within(fs, &folder.path, &listing).await {
            Ok(rules) => rules,
            Err(reason) => {
                survey.not_listed(&folder.path, reason)?;
                continue;
            }
        };
        match folder.parent {
            ScanParent::Listed(id) => survey.scan.listed.push(id),
            ScanParent::Entry(index) => {
                if let Some(entry) = survey.scan.entries.get_mut(index) {
                    entry.listed = true;
                }
            }
        }
        take_in(trees, &folder, (listing, rules), &mut open, survey);
    }
    Ok(())
}

impl Survey {
    /// A folder could not be listed: fails only when the whole one is gone.
    fn not_listed(&mut self, path: &RelPath, reason: Unlisted) -> Result<(), FsError> {
        self.is_complete = false;
        match reason {
            // That it is gone since its parent was listed tells the next scan.
            Unlisted::Gone => Ok(()),
            Unlisted::Trouble(reason) => {
                let path = path.to_string();
                self.troubles.push(Trouble { path, reason });
                Ok(())
            }
            Unlisted::Root(error) => Err(error),
        }
    }
}

/// Why a folder was not listed.
enum Unlisted {
    /// It is not there any more, or no folder.
    Gone,
    /// It can't be, or must not be.
    Trouble(String),
    /// The synced folder itself is gone.
    Root(FsError),
}

impl From<FsError> for Unlisted {
    fn from(error: FsError) -> Self {
        match error {
            FsError::Changed => Self::Gone,
            FsError::RootGone(_) => Self::Root(error),
            error => Self::Trouble(error.to_string()),
        }
    }
}

impl Unlisted {
    fn into_error(self) -> FsError {
        match self {
            Self::Root(error) => error,
            Self::Gone => FsError::RootGone("it can't be listed".to_owned()),
            Self::Trouble(reason) => FsError::RootGone(reason),
        }
    }
}

async fn list(fs: &dyn FileSystem, trees: &Trees, folder: &Open) -> Result<Listing, Unlisted> {
    let listing = fs.list(&folder.path).await?;
    // What was a folder that is synced, and has another file system mounted over it, is not gone.
    let covered = listing.mounts.iter().find(|mount| {
        folder.known.is_some_and(|known| {
            trees.local.children(known).any(|child| {
                child.name == **mount
                    && child.kind != LocalKind::Other
                    && trees.synced.of_local(child.id).is_some()
            })
        })
    });
    match covered {
        Some(mount) => Err(Unlisted::Trouble(format!(
            "another file system is mounted over {mount}, which is synced; unmount it, or stop syncing {mount}"
        ))),
        None => Ok(listing),
    }
}

fn take_in(
    trees: &Trees,
    folder: &Open,
    (listing, rules): (Listing, Rules),
    open: &mut Vec<Open>,
    survey: &mut Survey,
) {
    survey
        .leftovers
        .extend(listing.leftovers.iter().map(|name| folder.path.join(name)));
    survey
        .troubles
        .extend(listing.unnameable.iter().map(|name| Trouble {
            path: format!("{}/{name}", folder.path),
            reason: "its name is not Unicode; rename it to have it synced".to_owned(),
        }));
    let known: HashMap<&Name, &LocalNode> = folder
        .known
        .map(|known| {
            trees
                .local
                .children(known)
                .map(|child| (&child.name, child))
                .collect()
        })
        .unwrap_or_default();
    for mut entry in listing.entries {
        let path = folder.path.join(entry.name.as_str());
        let is_folder = entry.found.kind == LocalKind::Folder;
        let is_ignored = folder.is_ignored || rules.name(&path, is_folder);
        let known = known.get(&entry.name).copied();
        let is_as_known = known.is_some_and(|known| {
            known.kind == LocalKind::Folder && known.fingerprint.may_be_same_inode(&entry.found.fingerprint)
        });
        let is_deeper = folder.depth == Depth::All || !is_as_known;
        if let Some(known) = known {
            entry.name.share(&known.name);
        }
        let known = known.map(|known| known.id);
        let index = survey.scan.entries.len();
        survey.scan.entries.push(ScanEntry {
            parent: folder.parent,
            name: entry.name,
            kind: entry.found.kind,
            fingerprint: entry.found.fingerprint,
            content: None,
            ignored: is_ignored,
            listed: false,
        });
        let is_synced = known.is_some_and(|known| trees.synced.of_local(known).is_some());
        if is_folder && is_deeper && (!is_ignored || is_synced) {
            open.push(Open {
                parent: ScanParent::Entry(index),
                known,
                path,
                rules: rules.clone(),
                is_ignored,
                depth: Depth::All,
            });
        }
    }
}

/// Those of the folders that lie in none of the others.
fn topmost(trees: &Trees, folders: &[LocalId]) -> Vec<LocalId> {
    let mut topmost: Vec<LocalId> = folders
        .iter()
        .copied()
        .filter(|folder| {
            let mut above = trees.local.get(*folder).and_then(|entry| entry.parent);
            while let Some(id) = above {
                if folders.contains(&id) {
                    return false;
                }
                above = trees.local.get(id).and_then(|entry| entry.parent);
            }
            trees
                .local
                .get(*folder)
                .is_some_and(|entry| entry.kind == LocalKind::Folder)
        })
        .collect();
    topmost.sort_unstable();
    topmost.dedup();
    topmost
}
