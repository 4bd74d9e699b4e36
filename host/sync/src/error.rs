use bitvault_platform::{Code, Error};

/// What this module refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no such device")]
    DeviceNotFound,
    #[error("use 1 to {0} bytes and no control characters")]
    NameInvalid(usize),
    #[error("use 1 to {0} bytes and no control characters, or leave it out")]
    PlatformInvalid(usize),
    #[error("you have {0} devices already: delete one that is not used any more")]
    TooManyDevices(u32),
    #[error("use 1 to 255 visible ASCII characters")]
    IdempotencyKeyInvalid,
    #[error("this idempotency key was used for another request: make a new key")]
    IdempotencyKeyReused,
    #[error("use 1 to {0}")]
    LimitInvalid(u32),
    #[error("wait 0 to {0} seconds")]
    WaitInvalid(u32),
    #[error("push at most {0} items at a time")]
    BatchTooLarge(usize),
    #[error("no earlier item of this call made a folder under this key, or it was refused")]
    KeyUnknown,
    #[error("name the folder by `parent_id` or by `parent_key`, not by both")]
    TwoParents,
    #[error("name the folder that this goes into")]
    ParentMissing,
    #[error("give `next_cursor` of the page before, as it was, and for the same device")]
    CursorInvalid,
    #[error(
        "what this cursor stands on is not kept any more: read again without a cursor, and take what you get as additions \
         only; what is not told is not deleted"
    )]
    CursorExpired,
}

impl Refusal {
    fn code(&self) -> Code {
        match self {
            Self::DeviceNotFound => Code::NotFound,
            Self::TooManyDevices(_) => Code::Exhausted,
            Self::IdempotencyKeyReused | Self::CursorExpired => Code::Conflict,
            Self::NameInvalid(_)
            | Self::PlatformInvalid(_)
            | Self::IdempotencyKeyInvalid
            | Self::LimitInvalid(_)
            | Self::WaitInvalid(_)
            | Self::BatchTooLarge(_)
            | Self::TwoParents
            | Self::ParentMissing
            | Self::CursorInvalid => Code::Invalid,
            Self::KeyUnknown => Code::NotFound,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::DeviceNotFound => "device_not_found",
            Self::NameInvalid(_) => "name_invalid",
            Self::PlatformInvalid(_) => "platform_invalid",
            Self::TooManyDevices(_) => "too_many_devices",
            Self::IdempotencyKeyInvalid => "idempotency_key_invalid",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::LimitInvalid(_) => "limit_invalid",
            Self::WaitInvalid(_) => "wait_invalid",
            Self::BatchTooLarge(_) => "batch_too_large",
            Self::KeyUnknown => "parent_not_found",
            Self::TwoParents | Self::ParentMissing => "target_invalid",
            Self::CursorInvalid => "cursor_invalid",
            Self::CursorExpired => "cursor_expired",
        }
    }

    /// The field that is wrong, where it is one.
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::NameInvalid(_) => Some("name"),
            Self::PlatformInvalid(_) => Some("platform"),
            Self::IdempotencyKeyInvalid => Some("idempotency_key"),
            Self::LimitInvalid(_) => Some("limit"),
            Self::WaitInvalid(_) => Some("wait"),
            Self::BatchTooLarge(_) => Some("items"),
            Self::TwoParents | Self::ParentMissing => Some("parent_id"),
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
