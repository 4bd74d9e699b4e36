//! What a link may ask for.

use crate::error::Refusal;
use bitvault_platform::LinkAccess;
use bitvault_proto::v1::LinkKind;
use time::OffsetDateTime;

/// Longest label, in bytes.
const LABEL_BYTES: usize = 255;
/// Highest limit of downloads.
const DOWNLOADS_MAX: u32 = 1_000_000;

/// What the link is for.
pub(crate) fn access(kind: i32) -> Result<LinkAccess, Refusal> {
    match LinkKind::try_from(kind) {
        Ok(LinkKind::View) => Ok(LinkAccess::View),
        Ok(LinkKind::Download) => Ok(LinkAccess::Download),
        Ok(LinkKind::Drop) => Ok(LinkAccess::Drop),
        Ok(LinkKind::Unspecified) | Err(_) => Err(Refusal::KindMissing),
    }
}

/// What visitors are told the link is; nothing when it is empty.
pub(crate) fn label(text: &str) -> Result<Option<String>, Refusal> {
    let text = text.trim();
    if text.len() > LABEL_BYTES || text.chars().any(char::is_control) {
        return Err(Refusal::LabelInvalid(LABEL_BYTES));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// When it ends.
pub(crate) fn expiry(at: &prost_types::Timestamp, now: OffsetDateTime) -> Result<OffsetDateTime, Refusal> {
    let nanos = i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos);
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
    at.filter(|at| *at > now).ok_or(Refusal::ExpiryPast)
}

/// How often it may be downloaded from.
pub(crate) fn max_downloads(access: LinkAccess, most: u32) -> Result<u32, Refusal> {
    if access != LinkAccess::Download {
        return Err(Refusal::NotCounted);
    }
    if !(1..=DOWNLOADS_MAX).contains(&most) {
        return Err(Refusal::MaxDownloadsInvalid(DOWNLOADS_MAX));
    }
    Ok(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn what_can_not_be_asked_for_is_named() {
        let now = datetime!(2026-01-01 00:00 UTC);
        let at = |offset: i64| prost_types::Timestamp {
            seconds: now.unix_timestamp() + offset,
            nanos: 0,
        };
        assert_eq!(expiry(&at(0), now), Err(Refusal::ExpiryPast));
        assert_eq!(expiry(&at(1), now), Ok(now + time::Duration::SECOND));
        assert_eq!(expiry(&at(i64::MAX / 2), now), Err(Refusal::ExpiryPast));
        assert_eq!(access(0), Err(Refusal::KindMissing));
        assert_eq!(access(99), Err(Refusal::KindMissing));
        assert_eq!(max_downloads(LinkAccess::Drop, 1), Err(Refusal::NotCounted));
        assert!(max_downloads(LinkAccess::Download, 0).is_err());
        assert!(max_downloads(LinkAccess::Download, DOWNLOADS_MAX + 1).is_err());
        assert_eq!(max_downloads(LinkAccess::Download, 1), Ok(1));
    }

    #[test]
    fn a_label_is_one_line() {
        assert_eq!(label("  For Ada "), Ok(Some("For Ada".to_owned())));
        assert_eq!(label(" "), Ok(None));
        assert!(label("a\nb").is_err());
        assert!(label(&"x".repeat(256)).is_err());
    }
}
