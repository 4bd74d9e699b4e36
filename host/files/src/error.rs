//! What this module refuses, with the stable reasons that clients see.

use crate::domain::access::NodeRole;
use bitvault_platform::ids::VersionId;
use bitvault_platform::{Code, Error};

/// A refusal that the caller can act on. Failures of the database or the store are [`Error`]s from where they happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no such file or folder, or none that you may see: list its folder again")]
    NodeNotFound,
    #[error("no such folder: it may have been moved to the trash; choose another one")]
    ParentNotFound,
    #[error("no such version of this file: list its versions again")]
    VersionNotFound,
    #[error("no such upload of yours: start it again")]
    UploadNotFound,
    #[error("this is a file, and only a folder holds other nodes")]
    NotAFolder,
    #[error("this is a folder, and only a file has content")]
    NotAFile,
    #[error("`{0}` exists in this folder already: choose another name, or upload a new version of that file")]
    NameTaken(String),
    #[error("the file has another version by now, {0}: fetch it, merge, and upload on top of that one")]
    VersionConflict(VersionId),
    #[error("the node has changed, its revision is {0} now: look at it again")]
    RevisionConflict(i64),
    #[error("the content has not arrived in full: send it to the presigned URLs first, then commit")]
    UploadIncomplete,
    #[error("the upload's time is over: start it again")]
    UploadExpired,
    #[error("the upload was given up and its content has been reclaimed: start it again")]
    UploadGone,
    #[error("this upload is committed already: look at the file, or start another upload")]
    UploadCommitted,
    #[error("the store holds {stored} bytes where {declared} were declared: start the upload again")]
    SizeMismatch { stored: u64, declared: u64 },
    #[error("the content does not have the SHA-256 that was declared: start the upload again")]
    ChecksumMismatch,
    #[error("name the SHA-256 of the content in `sha256`, 64 hex digits")]
    Sha256Missing,
    #[error("you are {} here, and this needs the role {}: ask an owner to give it to you", has.name(), needs.name())]
    RoleTooLow { has: NodeRole, needs: NodeRole },
    #[error(
        "the folder that this is in was not shared with you: only who may change that folder can take it out"
    )]
    FolderNotYours,
    #[error("this link is for looking only: ask whoever gave it to you for one that downloads")]
    LinkViewOnly,
    #[error("this needs the role admin or owner in the tenant")]
    AdminOnly,
    #[error("name an account, acc_…, or a group, grp_…")]
    SubjectInvalid,
    #[error("use viewer, commenter, editor or owner")]
    NodeRoleInvalid,
    #[error("no such grant on this node itself: it may come from a folder above")]
    GrantNotFound,
    #[error("this node carries {0} grants already: give roles to a group instead")]
    TooManyGrants(usize),
    #[error("name a tag or a field to add or to remove")]
    NoMetadataChange,
    #[error("a node carries at most {0} tags: remove one first")]
    TooManyTags(usize),
    #[error("a node carries at most {0} fields: remove one first")]
    TooManyFields(usize),
    #[error("you have {0} favourites already: remove one first")]
    TooManyFavourites(i64),
    #[error("no such group")]
    GroupNotFound,
    #[error("a group is called `{0}` already: choose another name")]
    GroupNameTaken(String),
    #[error("a space belongs to this group: give the space to another group, or delete it, first")]
    GroupOwnsSpace,
    #[error("this account is not in the group")]
    GroupMemberNotFound,
    #[error("no such space")]
    SpaceNotFound,
    #[error("a space is called `{0}` already: choose another name")]
    SpaceNameTaken(String),
    #[error("the space holds something still: empty it and its trash first")]
    SpaceNotEmpty,
    #[error("no such copy")]
    CopyNotFound,
    #[error("the copy is done: delete what it made instead")]
    CopyDone,
    #[error("a copy may have {0} nodes at most: copy parts of it")]
    CopyTooLarge(u32),
    #[error(
        "no such conflict: it may be settled, or one of both files is in the trash or has another name by now"
    )]
    ConflictNotFound,
    #[error("use both, theirs or mine")]
    KeepMissing,
    #[error("somebody has settled this conflict in another way: look at the files as they are now")]
    ConflictResolved,
    #[error("one of both files has changed, the conflict's revision is {0} now: look at them again")]
    ConflictChanged(i64),
    #[error(
        "there is something else in this folder than the deletion covers: somebody has added, changed or taken away \
         something meanwhile; look again, and then delete"
    )]
    TreeChanged,
    #[error("give the SHA-256 of what goes to the trash, 64 hex digits; not with `permanent`")]
    CoversInvalid,
    #[error("the deletions of one call may cover {0} nodes at most: delete parts of it")]
    TreeTooLarge(usize),
    #[error("this is the file's current version: restore another one first, or delete the file")]
    VersionCurrent,
    #[error("use 1 to 255 bytes, or null to take the label away")]
    LabelInvalid,
    #[error("use whole numbers from 1 to 1000000, or leave the limit out")]
    RetentionInvalid(&'static str),
    #[error("a guest has no files of its own: work with what was shared with you")]
    NoHome,
    #[error("the top folder of a tree can't be renamed, moved or deleted")]
    RootFixed,
    #[error("a folder can't be moved into itself or into a folder below it: choose another one")]
    IntoItself,
    #[error("name what to change: `name`, `parent_id` or both")]
    NothingToChange,
    #[error(
        "this is not in the trash: only what is there can be deleted for good or restored to another place"
    )]
    NotInTrash,
    #[error(
        "you may not change the folder that this was in, nor the top of its tree: name a folder to restore it to"
    )]
    NoPlaceLeft,
    #[error(
        "a part of what is below is gone for good, the rest is left: it is too much for one call, repeat it"
    )]
    DeleteUnfinished,
    #[error("this idempotency key was used for another request: make a new key")]
    IdempotencyKeyReused,
    #[error("the content is larger than the store takes, {0} bytes")]
    TooLarge(u64),
    #[error("{0}")]
    QuotaExceeded(Limit),
    #[error("no limit is set on this folder itself")]
    QuotaNotFound,
    #[error("use a whole number of bytes, at most {0}")]
    QuotaInvalid(u64),
    #[error("{0} limits hold here already, one within the other: take one of those above away first")]
    TooManyQuotas(usize),
    #[error("too many requests are waiting for this tenant: try again in a moment")]
    Busy,
    #[error(
        "the changes behind this cursor are not kept any more: read again without a cursor, and take what you get as \
         additions only; what is not told is not deleted"
    )]
    CursorExpired,
    #[error(
        "the server goes on from another state than the one that this cursor was made for: read again without a cursor, \
         and take what you get as additions only; what is not told is not deleted"
    )]
    EpochChanged,
    #[error(
        "more than {0} nodes are shared with you one by one, too many to follow: ask for roles on folders above"
    )]
    TooManyRoots(usize),
}

/// The limit that something does not fit below, as far as the caller may know of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Limit {
    #[error(
        "{on} may hold {max} bytes; {used} are used, old versions and the trash included, and {reserved} reserved by \
         uploads: delete something for good, or ask for a higher limit"
    )]
    Told {
        /// `the tenant`, `your home`, or the folder's id.
        on: String,
        max: i64,
        used: i64,
        reserved: i64,
    },
    #[error("the tenant's space is used up: ask an administrator")]
    Tenant,
    #[error("a folder above this one is full: ask its owner, or an administrator")]
    Above,
    #[error("there is no room left for this: ask whoever gave you the link")]
    Hidden,
}

impl Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NodeNotFound
            | Self::ParentNotFound
            | Self::VersionNotFound
            | Self::UploadNotFound
            | Self::ConflictNotFound
            | Self::CopyNotFound => Code::NotFound,
            Self::NotAFolder
            | Self::NotAFile
            | Self::SizeMismatch { .. }
            | Self::ChecksumMismatch
            | Self::Sha256Missing
            | Self::RootFixed
            | Self::IntoItself
            | Self::NothingToChange
            | Self::LabelInvalid
            | Self::CopyTooLarge(_)
            | Self::RetentionInvalid(_)
            | Self::NoMetadataChange
            | Self::TreeTooLarge(_)
            | Self::KeepMissing
            | Self::CoversInvalid
            | Self::TooLarge(_) => Code::Invalid,
            Self::NameTaken(_)
            | Self::UploadIncomplete
            | Self::UploadExpired
            | Self::UploadGone
            | Self::UploadCommitted
            | Self::NotInTrash
            | Self::NoPlaceLeft
            | Self::VersionCurrent
            | Self::CopyDone
            | Self::ConflictResolved
            | Self::TreeChanged
            | Self::CursorExpired
            | Self::EpochChanged
            | Self::IdempotencyKeyReused => Code::Conflict,
            Self::VersionConflict(_) | Self::RevisionConflict(_) | Self::ConflictChanged(_) => {
                Code::Precondition
            }
            Self::RoleTooLow { .. }
            | Self::FolderNotYours
            | Self::LinkViewOnly
            | Self::AdminOnly
            | Self::NoHome => Code::Denied,
            Self::SubjectInvalid | Self::NodeRoleInvalid => Code::Invalid,
            Self::GrantNotFound | Self::GroupNotFound | Self::GroupMemberNotFound | Self::SpaceNotFound => {
                Code::NotFound
            }
            Self::GroupNameTaken(_)
            | Self::GroupOwnsSpace
            | Self::SpaceNameTaken(_)
            | Self::SpaceNotEmpty => Code::Conflict,
            Self::QuotaNotFound => Code::NotFound,
            Self::QuotaInvalid(_) => Code::Invalid,
            Self::TooManyGrants(_)
            | Self::TooManyTags(_)
            | Self::TooManyFields(_)
            | Self::TooManyFavourites(_)
            | Self::TooManyQuotas(_)
            | Self::TooManyRoots(_)
            | Self::QuotaExceeded(_) => Code::Exhausted,
            Self::Busy | Self::DeleteUnfinished => Code::Unavailable,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NodeNotFound => "node_not_found",
            Self::ParentNotFound => "parent_not_found",
            Self::VersionNotFound => "version_not_found",
            Self::UploadNotFound => "upload_not_found",
            Self::NotAFolder => "not_a_folder",
            Self::NotAFile => "not_a_file",
            Self::NameTaken(_) => "name_taken",
            Self::VersionConflict(_) => "version_conflict",
            Self::RevisionConflict(_) => "revision_conflict",
            Self::UploadIncomplete => "upload_incomplete",
            Self::UploadExpired => "upload_expired",
            Self::UploadGone => "upload_gone",
            Self::UploadCommitted => "upload_committed",
            Self::SizeMismatch { .. } => "size_mismatch",
            Self::ChecksumMismatch => "checksum_mismatch",
            Self::Sha256Missing => "sha256_missing",
            Self::RootFixed => "root_fixed",
            Self::IntoItself => "into_itself",
            Self::NothingToChange => "nothing_to_change",
            Self::NotInTrash => "not_in_trash",
            Self::NoPlaceLeft => "no_place_left",
            Self::DeleteUnfinished => "delete_unfinished",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::TooLarge(_) => "upload_too_large",
            Self::RoleTooLow { .. } => "role_too_low",
            Self::FolderNotYours => "folder_not_yours",
            Self::LinkViewOnly => "link_view_only",
            Self::AdminOnly => "admin_only",
            Self::SubjectInvalid => "subject_invalid",
            Self::NodeRoleInvalid => "role_invalid",
            Self::GrantNotFound => "grant_not_found",
            Self::TooManyGrants(_) => "too_many_grants",
            Self::NoMetadataChange => "nothing_to_change",
            Self::TooManyTags(_) => "too_many_tags",
            Self::TooManyFields(_) => "too_many_fields",
            Self::TooManyFavourites(_) => "too_many_favourites",
            Self::GroupNotFound => "group_not_found",
            Self::GroupNameTaken(_) => "group_name_taken",
            Self::GroupOwnsSpace => "group_owns_space",
            Self::GroupMemberNotFound => "group_member_not_found",
            Self::SpaceNotFound => "space_not_found",
            Self::SpaceNameTaken(_) => "space_name_taken",
            Self::SpaceNotEmpty => "space_not_empty",
            Self::CopyNotFound => "copy_not_found",
            Self::CopyDone => "copy_done",
            Self::CopyTooLarge(_) => "copy_too_large",
            Self::ConflictNotFound => "conflict_not_found",
            Self::KeepMissing => "keep_invalid",
            Self::ConflictResolved => "conflict_resolved",
            Self::ConflictChanged(_) => "conflict_changed",
            Self::CoversInvalid => "covers_invalid",
            Self::TreeChanged => "tree_changed",
            Self::TreeTooLarge(_) => "tree_too_large",
            Self::VersionCurrent => "version_current",
            Self::LabelInvalid => "label_invalid",
            Self::RetentionInvalid(_) => "retention_invalid",
            Self::NoHome => "no_home",
            Self::QuotaExceeded(_) => "quota_exceeded",
            Self::QuotaNotFound => "quota_not_found",
            Self::QuotaInvalid(_) => "quota_invalid",
            Self::TooManyQuotas(_) => "too_many_quotas",
            Self::Busy => "busy",
            Self::CursorExpired => "cursor_expired",
            Self::EpochChanged => "epoch_changed",
            Self::TooManyRoots(_) => "too_many_shares",
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match &refusal {
            Refusal::Sha256Missing | Refusal::ChecksumMismatch => {
                Self::invalid_field(refusal.reason(), "sha256", message)
            }
            Refusal::SubjectInvalid => Self::invalid_field(refusal.reason(), "subject_id", message),
            Refusal::NodeRoleInvalid => Self::invalid_field(refusal.reason(), "role", message),
            Refusal::KeepMissing => Self::invalid_field(refusal.reason(), "keep", message),
            Refusal::CoversInvalid => Self::invalid_field(refusal.reason(), "covers", message),
            Refusal::LabelInvalid => Self::invalid_field(refusal.reason(), "label", message),
            Refusal::RetentionInvalid(field) => Self::invalid_field(refusal.reason(), *field, message),
            Refusal::QuotaInvalid(_) => Self::invalid_field(refusal.reason(), "max_bytes", message),
            Refusal::IntoItself => Self::invalid_field(refusal.reason(), "parent_id", message),
            Refusal::SizeMismatch { .. } | Refusal::TooLarge(_) => {
                Self::invalid_field(refusal.reason(), "size", message)
            }
            _ => Self::new(refusal.code(), refusal.reason(), message),
        }
    }
}
