use super::{at, missing};
use bitvault_api as rest;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;
use prost_types::Timestamp;
use rpc::update_link_request::Expiry;
use time::OffsetDateTime;

pub(crate) fn link_kind(from: i32) -> Result<rest::LinkKind, Error> {
    match rpc::LinkKind::try_from(from) {
        Ok(rpc::LinkKind::View) => Ok(rest::LinkKind::View),
        Ok(rpc::LinkKind::Download) => Ok(rest::LinkKind::Download),
        Ok(rpc::LinkKind::Drop) => Ok(rest::LinkKind::Drop),
        Ok(rpc::LinkKind::Unspecified) | Err(_) => Err(missing("link.kind")),
    }
}

/// A time that may be absent.
pub(crate) fn at_maybe(stamp: Option<Timestamp>, what: &str) -> Result<Option<OffsetDateTime>, Error> {
    match stamp {
        Some(stamp) => at(Some(stamp), what).map(Some),
        None => Ok(None),
    }
}

fn stamp(time: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: time.unix_timestamp(),
        nanos: time.nanosecond().cast_signed(),
    }
}

pub(crate) fn link(from: rpc::Link) -> Result<rest::Link, Error> {
    Ok(rest::Link {
        kind: link_kind(from.kind)?,
        expires_at: at_maybe(from.expires_at, "link.expires_at")?,
        created_at: at(from.created_at, "link.created_at")?,
        id: from.id,
        node_id: from.node_id,
        created_by: from.created_by,
        label: from.label,
        has_password: from.has_password,
        max_downloads: from.max_downloads,
        downloads: from.downloads,
    })
}

/// `public_url` is where people reach this gateway.
pub(crate) fn created_link(from: rpc::CreatedLink, public_url: &str) -> Result<rest::CreatedLink, Error> {
    let base = public_url.trim_end_matches('/');
    Ok(rest::CreatedLink {
        link: link(from.link.ok_or_else(|| missing("created_link.link"))?)?,
        url: from.token.map(|token| format!("{base}/s/{token}")),
    })
}

pub(crate) fn create_link(from: rest::CreateLink, idempotency_key: Option<String>) -> rpc::CreateLinkRequest {
    let kind = match from.kind {
        rest::LinkKind::View => rpc::LinkKind::View,
        rest::LinkKind::Download => rpc::LinkKind::Download,
        rest::LinkKind::Drop => rpc::LinkKind::Drop,
    };
    rpc::CreateLinkRequest {
        kind: kind.into(),
        node_id: from.node_id,
        password: from.password,
        expires_at: from.expires_at.map(stamp),
        max_downloads: from.max_downloads,
        label: from.label,
        idempotency_key,
    }
}

pub(crate) fn update_link(id: String, from: rest::UpdateLink) -> Result<rpc::UpdateLinkRequest, Error> {
    // What stands for "none" in the message can't be asked for as a value.
    if from.password == Some(Some(String::new())) {
        let detail = "use at least 8 characters, or null for no password";
        return Err(Error::invalid_field("password_short", "password", detail));
    }
    if from.max_downloads == Some(Some(0)) {
        let detail = "use at least 1, or null for no limit";
        return Err(Error::invalid_field(
            "max_downloads_invalid",
            "max_downloads",
            detail,
        ));
    }
    Ok(rpc::UpdateLinkRequest {
        id,
        label: from.label.map(Option::unwrap_or_default),
        password: from.password.map(Option::unwrap_or_default),
        expiry: from.expires_at.map(|at| match at {
            Some(rest::Instant(at)) => Expiry::ExpiresAt(stamp(at)),
            None => Expiry::NeverExpires(true),
        }),
        max_downloads: from.max_downloads.map(Option::unwrap_or_default),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_removes_and_no_value_stands_for_it() {
        let change = rest::UpdateLink {
            label: Some(None),
            expires_at: Some(None),
            max_downloads: Some(None),
            ..rest::UpdateLink::default()
        };
        let message = update_link("lnk_1".to_owned(), change).unwrap();
        assert_eq!(message.label.as_deref(), Some(""));
        assert_eq!(message.expiry, Some(Expiry::NeverExpires(true)));
        assert_eq!((message.max_downloads, message.password), (Some(0), None));
        for (change, reason) in [
            (
                rest::UpdateLink {
                    password: Some(Some(String::new())),
                    ..rest::UpdateLink::default()
                },
                "password_short",
            ),
            (
                rest::UpdateLink {
                    max_downloads: Some(Some(0)),
                    ..rest::UpdateLink::default()
                },
                "max_downloads_invalid",
            ),
        ] {
            assert_eq!(update_link(String::new(), change).unwrap_err().reason(), reason);
        }
    }

    #[test]
    fn a_url_is_there_once_and_below_the_servers_own() {
        let message = rpc::CreatedLink {
            link: Some(rpc::Link {
                id: "lnk_1".to_owned(),
                kind: rpc::LinkKind::Drop.into(),
                created_at: Some(Timestamp::default()),
                ..rpc::Link::default()
            }),
            token: Some("bvl_x".to_owned()),
        };
        let made = created_link(message, "https://vault.example.org/").unwrap();
        assert_eq!(made.url.as_deref(), Some("https://vault.example.org/s/bvl_x"));
        assert_eq!(made.link.kind, rest::LinkKind::Drop);
    }
}
