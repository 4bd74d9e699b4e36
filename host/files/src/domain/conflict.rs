//! What becomes of a conflict.

use crate::error::Refusal;
use bitvault_proto::v1;

/// Which side of a conflict is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Each is a file of its own.
    Both,
    /// The file as it is.
    Theirs,
    /// The conflicted copy's content.
    Mine,
}

impl Keep {
    const ALL: [Self; 3] = [Self::Both, Self::Theirs, Self::Mine];

    /// As it stands in the database.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Theirs => "theirs",
            Self::Mine => "mine",
        }
    }

    /// What has that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|keep| keep.name() == name)
    }

    /// What a message asks for.
    pub(crate) fn asked(keep: v1::ConflictKeep) -> Result<Self, Refusal> {
        match keep {
            v1::ConflictKeep::Both => Ok(Self::Both),
            v1::ConflictKeep::Theirs => Ok(Self::Theirs),
            v1::ConflictKeep::Mine => Ok(Self::Mine),
            v1::ConflictKeep::Unspecified => Err(Refusal::KeepMissing),
        }
    }

    /// As a message says it.
    pub(crate) fn told(self) -> v1::ConflictKeep {
        match self {
            Self::Both => v1::ConflictKeep::Both,
            Self::Theirs => v1::ConflictKeep::Theirs,
            Self::Mine => v1::ConflictKeep::Mine,
        }
    }
}
