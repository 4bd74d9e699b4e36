use crate::domain::makers::LinkMakers;
use bitvault_platform::{Code, Error};
use std::time::Duration;

/// What this module refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Of everything that keeps a visitor out; also an id that is nobody's or somebody else's.
    #[error("no such link, or it has ended, or its password is missing or wrong")]
    LinkNotFound,
    #[error("say what the link is for: view, download or drop")]
    KindMissing,
    #[error("a drop box needs a folder, and this is a file")]
    NotAFolder,
    #[error("only who owns a node may share it, and you are {0} here")]
    RoleTooLow(String),
    #[error("{}", denied(*.0))]
    LinksDenied(LinkMakers),
    #[error("name a time that is still to come")]
    ExpiryPast,
    #[error("use 1 to {0}")]
    MaxDownloadsInvalid(u32),
    #[error("only a link that downloads can limit downloads")]
    NotCounted,
    #[error("use at most {0} bytes and no control characters")]
    LabelInvalid(usize),
    #[error("name what to change: `label`, `password`, `expires_at` or `max_downloads`")]
    NothingToChange,
    #[error("use 1 to 255 visible ASCII characters")]
    IdempotencyKeyInvalid,
    #[error("this idempotency key was used for another request: make a new key")]
    IdempotencyKeyReused,
    #[error("use 1 to {0}")]
    LimitInvalid(u32),
    #[error("give `next_cursor` of the page before, as it was")]
    CursorInvalid,
    #[error("too many wrong passwords; try again in {} s", .0.as_secs() + 1)]
    Throttled(Duration),
    #[error("too many people are at this link at this moment; try again in a few seconds")]
    Busy,
}

/// Why somebody may not have public links, and what to do.
fn denied(makers: LinkMakers) -> &'static str {
    match makers {
        LinkMakers::Members => "guests make no public links: ask a member who owns the node to make one",
        LinkMakers::Admins => {
            "only admins make public links here: have one own the node and make it, or allow members in the tenant's settings (public_links)"
        }
        LinkMakers::Nobody => {
            "public links are switched off here: share with accounts, or ask an admin to allow links in the tenant's settings (public_links)"
        }
    }
}

impl Refusal {
    fn code(&self) -> Code {
        match self {
            Self::LinkNotFound => Code::NotFound,
            Self::KindMissing
            | Self::NotAFolder
            | Self::ExpiryPast
            | Self::MaxDownloadsInvalid(_)
            | Self::NotCounted
            | Self::LabelInvalid(_)
            | Self::NothingToChange
            | Self::IdempotencyKeyInvalid
            | Self::LimitInvalid(_)
            | Self::CursorInvalid => Code::Invalid,
            Self::RoleTooLow(_) | Self::LinksDenied(_) => Code::Denied,
            Self::IdempotencyKeyReused => Code::Conflict,
            Self::Throttled(_) => Code::Exhausted,
            Self::Busy => Code::Unavailable,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::LinkNotFound => "link_not_found",
            Self::KindMissing => "link_kind_invalid",
            Self::NotAFolder => "not_a_folder",
            Self::RoleTooLow(_) => "role_too_low",
            Self::LinksDenied(_) => "public_links_denied",
            Self::ExpiryPast => "expires_at_invalid",
            Self::MaxDownloadsInvalid(_) | Self::NotCounted => "max_downloads_invalid",
            Self::LabelInvalid(_) => "label_invalid",
            Self::NothingToChange => "nothing_to_change",
            Self::IdempotencyKeyInvalid => "idempotency_key_invalid",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::LimitInvalid(_) => "limit_invalid",
            Self::CursorInvalid => "cursor_invalid",
            Self::Throttled(_) => "link_throttled",
            Self::Busy => "link_busy",
        }
    }

    /// The field that is wrong, where it is one.
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::KindMissing => Some("kind"),
            Self::NotAFolder => Some("node_id"),
            Self::ExpiryPast => Some("expires_at"),
            Self::MaxDownloadsInvalid(_) | Self::NotCounted => Some("max_downloads"),
            Self::LabelInvalid(_) => Some("label"),
            Self::IdempotencyKeyInvalid => Some("idempotency_key"),
            Self::LimitInvalid(_) => Some("limit"),
            Self::CursorInvalid => Some("cursor"),
            _ => None,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal.field() {
            Some(field) => Self::invalid_field(refusal.reason(), field, refusal.to_string()),
            None => Self::new(refusal.code(), refusal.reason(), refusal.to_string()),
        }
    }
}
