//! What can happen to a node, as the journal tells it.

use bitvault_platform::{Error, Result};

/// What happened to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ChangeKind {
    /// It was made; a file together with its first version.
    Created,
    /// It got a new version.
    Updated,
    /// It got another name or another folder.
    Moved,
    /// It went to the trash.
    Trashed,
    /// Somebody was given a role on it, or lost one.
    Shared,
    /// It came back from the trash.
    Restored,
    /// It is gone for good.
    Deleted,
}

impl ChangeKind {
    const ALL: [Self; 7] = [
        Self::Created,
        Self::Updated,
        Self::Moved,
        Self::Trashed,
        Self::Shared,
        Self::Restored,
        Self::Deleted,
    ];

    /// As it stands in the journal.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Moved => "moved",
            Self::Trashed => "trashed",
            Self::Shared => "shared",
            Self::Restored => "restored",
            Self::Deleted => "deleted",
        }
    }

    /// The kind of that name.
    pub(crate) fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| Error::internal("read the kind of a change", name))
    }
}
