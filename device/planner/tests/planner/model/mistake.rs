//! Mistakes that a device can be told to make, so that a search can show that it would find them.

use bitvault_planner::{
    DownloadTo, Fingerprint, LocalId, Operation, RemoveWhy, SyncedNode, Trees, UploadTo, Why,
};

/// A mistake of the planner, or of who carries its plans out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// An edit loses against a delete on the server.
    EditLosesAgainstDelete,
    /// An edit on the server does not bring back what was deleted here.
    EditThereLosesAgainstDelete,
    /// A tombstone is not heeded: what is gone there is created again.
    TombstoneIgnored,
    /// A folder that is gone there goes here with what is new in it.
    BuriesWithFolder,
    /// Of two edits the server's replaces the one here, and no copy is made.
    NoConflictedCopy,
    /// Of two edits the one here replaces the server's.
    LastWriterWins,
    /// An upload names whatever version is the current one.
    UploadsOverAnything,
    /// A file is replaced without a last look at it.
    ReplacesUnseen,
    /// A folder is removed without a last look at what is in it.
    RemovesUnseen,
    /// The server is told to delete whatever is below a folder now.
    DeletesUnseen,
    /// The change time is not looked at.
    IgnoresChangeTime,
    /// A tombstone in the journal is passed over.
    MissesTombstone,
    /// The place that both sides know of is not noted after a move.
    ForgetsAgreedPlaces,
    /// Of two new files of one name the server's replaces the one here.
    NoCopyOfNewFile,
    /// What selective sync removes is removed before it is noted that it may be gone.
    RemovesBeforeNoting,
}

impl Mistake {
    /// All of them.
    pub(crate) const ALL: [Self; 15] = [
        Self::EditLosesAgainstDelete,
        Self::EditThereLosesAgainstDelete,
        Self::TombstoneIgnored,
        Self::BuriesWithFolder,
        Self::NoConflictedCopy,
        Self::LastWriterWins,
        Self::UploadsOverAnything,
        Self::ReplacesUnseen,
        Self::RemovesUnseen,
        Self::DeletesUnseen,
        Self::IgnoresChangeTime,
        Self::MissesTombstone,
        Self::ForgetsAgreedPlaces,
        Self::NoCopyOfNewFile,
        Self::RemovesBeforeNoting,
    ];

    /// Shows the planner other trees than there are.
    pub(crate) fn distort(self, trees: &mut Trees) {
        for synced in trees.synced.clone().iter() {
            let local = trees.local.get(synced.local).cloned();
            let remote = trees.remote.get(synced.node).cloned();
            match (self, remote, local) {
                (Self::EditLosesAgainstDelete, None, Some(mut entry)) => {
                    entry.content = synced.kind.content().map(|content| content.sha256);
                    trees.local.insert(entry);
                }
                (Self::EditThereLosesAgainstDelete, Some(node), None) => {
                    trees.synced.insert(SyncedNode {
                        kind: node.kind,
                        ..synced.clone()
                    });
                }
                (Self::TombstoneIgnored, None, Some(_)) => trees.forget(synced.node),
                _ => {}
            }
        }
    }

    /// Plans otherwise.
    pub(crate) fn twist(self, operation: &mut Operation, trees: &Trees) {
        let twisted = match (self, &*operation) {
            (
                Self::NoConflictedCopy | Self::LastWriterWins,
                Operation::MoveLocal {
                    local,
                    expected,
                    why: Why::Conflict,
                    ..
                },
            ) => self.without_copy(*local, *expected, trees),
            (
                Self::NoCopyOfNewFile,
                Operation::MoveLocal {
                    local,
                    why: Why::Conflict,
                    ..
                },
            ) => {
                let is_new = trees.synced.of_local(*local).is_none();
                is_new.then(|| remove(*local, trees))
            }
            (Self::BuriesWithFolder, Operation::Forget { node }) => trees
                .synced
                .get(*node)
                .filter(|synced| synced.kind.content().is_none() && trees.local.get(synced.local).is_some())
                .filter(|_| trees.remote.tombstone(*node).is_some())
                .map(|synced| remove(synced.local, trees)),
            _ => None,
        };
        if let Some(twisted) = twisted {
            *operation = twisted;
        }
        if let (
            Self::ForgetsAgreedPlaces,
            Operation::MoveLocal { agreed, .. } | Operation::MoveRemote { agreed, .. },
        ) = (self, operation)
        {
            *agreed = None;
        }
    }

    fn without_copy(self, local: LocalId, expected: Fingerprint, trees: &Trees) -> Option<Operation> {
        let node = trees.synced.of_local(local)?.node;
        let content = trees.remote.get(node)?.kind.content()?;
        Some(match self {
            Self::LastWriterWins => Operation::Upload {
                local,
                expected,
                sha256: trees.local.get(local)?.content?,
                to: UploadTo::Version {
                    node,
                    base: content.version,
                },
            },
            _ => Operation::Download {
                node,
                content,
                to: DownloadTo::Replace { local, expected },
            },
        })
    }
}

fn remove(local: LocalId, trees: &Trees) -> Operation {
    let below = trees.local.below(local).into_iter();
    Operation::RemoveLocal {
        local,
        covers: below
            .filter_map(|id| Some((id, trees.local.get(id)?.fingerprint)))
            .collect(),
        ignored: Vec::new(),
        why: RemoveWhy::Gone,
    }
}
