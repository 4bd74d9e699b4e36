//! The states of an object, and what commit makes of each.

use crate::error::Refusal;
use bitvault_platform::{Error, Result};
use bitvault_proto::v1::UploadState;

/// `staging → committed → orphaned → deleting → deleted`; `staging → orphaned`, and `orphaned → committed` when a commit
/// comes before the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectState {
    /// May be written, belongs to an upload.
    Staging,
    /// Holds at least one blob.
    Committed,
    /// Given up, expired, or its last blob is gone.
    Orphaned,
    /// The collector is removing it; nobody may take it back.
    Deleting,
    /// Gone from the store.
    Deleted,
}

impl ObjectState {
    /// As it stands in the database.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "staging" => Self::Staging,
            "committed" => Self::Committed,
            "orphaned" => Self::Orphaned,
            "deleting" => Self::Deleting,
            "deleted" => Self::Deleted,
            other => return Err(Error::internal("read an object's state", other)),
        })
    }

    /// Whether a commit may take the object: only while nobody is removing it.
    pub(crate) fn may_commit(self) -> Result<(), Refusal> {
        match self {
            Self::Staging | Self::Orphaned => Ok(()),
            Self::Committed => Err(Refusal::UploadCommitted),
            Self::Deleting | Self::Deleted => Err(Refusal::UploadGone),
        }
    }

    /// Whether more bytes may be sent to it.
    pub(crate) fn may_send(self) -> Result<(), Refusal> {
        match self {
            Self::Staging => Ok(()),
            Self::Committed => Err(Refusal::UploadCommitted),
            Self::Orphaned => Err(Refusal::UploadExpired),
            Self::Deleting | Self::Deleted => Err(Refusal::UploadGone),
        }
    }
}

impl From<ObjectState> for UploadState {
    fn from(state: ObjectState) -> Self {
        match state {
            ObjectState::Staging => Self::Staging,
            ObjectState::Committed => Self::Committed,
            ObjectState::Orphaned => Self::Orphaned,
            ObjectState::Deleting | ObjectState::Deleted => Self::Deleted,
        }
    }
}
