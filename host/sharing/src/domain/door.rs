//! Whether a link lets a visitor in, as far as the link itself can say.

use super::{Link, key};
use bitvault_platform::Result;
use time::OffsetDateTime;

/// Whether the link has neither expired nor given all the downloads that it has.
pub(crate) fn is_on(link: &Link, now: OffsetDateTime) -> bool {
    let exhausted = link.max_downloads.is_some_and(|most| link.downloads >= most);
    !has_expired(link, now) && !exhausted
}

/// Whether its time is over.
pub(crate) fn has_expired(link: &Link, now: OffsetDateTime) -> bool {
    link.expires_at.is_some_and(|at| at <= now)
}

/// Whether who holds `key` knows the password, where there is one.
pub(crate) fn knows(link: &Link, key: Option<&str>, now: OffsetDateTime) -> Result<bool> {
    match (&link.password_hash, key) {
        (None, _) => Ok(true),
        (Some(_), None) => Ok(false),
        (Some(hash), Some(key)) => key::opens(link.id, hash, key, now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitvault_platform::LinkAccess;
    use bitvault_platform::ids::{AccountId, LinkId, NodeId, TenantId};
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);

    fn link() -> Link {
        Link {
            tenant: TenantId::new(),
            id: LinkId::new(),
            node: NodeId::new(),
            account: AccountId::new(),
            access: LinkAccess::Download,
            password_hash: None,
            label: None,
            expires_at: None,
            max_downloads: None,
            downloads: 0,
            created_at: NOW,
        }
    }

    #[test]
    fn a_link_is_on_until_its_time_or_its_downloads_are_used_up() {
        let with = |expires_at, max_downloads, downloads| Link {
            expires_at,
            max_downloads,
            downloads,
            ..link()
        };
        let second = time::Duration::SECOND;
        for (link, on) in [
            (with(None, None, 9), true),
            (with(Some(NOW + second), None, 0), true),
            (with(Some(NOW), None, 0), false),
            (with(None, Some(2), 1), true),
            (with(None, Some(2), 2), false),
            // The limit was lowered later.
            (with(None, Some(2), 5), false),
        ] {
            assert_eq!(is_on(&link, NOW), on, "{link:?}");
        }
    }

    #[test]
    fn a_password_needs_its_key() {
        let hash = "$argon2id$x".to_owned();
        let link = Link {
            password_hash: Some(hash.clone()),
            ..link()
        };
        let key = key::issue(link.id, &hash, NOW + time::Duration::HOUR).unwrap();
        assert!(knows(&link, Some(&key), NOW).unwrap());
        assert!(!knows(&link, None, NOW).unwrap());
        assert!(!knows(&link, Some("x"), NOW).unwrap());
    }
}
