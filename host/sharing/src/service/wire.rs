//! Links as messages.

use crate::domain::{Link, kind_to_wire};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::v1;
use time::OffsetDateTime;

pub(super) fn timestamp(time: OffsetDateTime) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time.unix_timestamp(),
        nanos: time.nanosecond().cast_signed(),
    }
}

/// As those see it who made it or own its node.
pub(super) fn link(link: Link) -> v1::Link {
    v1::Link {
        id: link.id.to_string(),
        node_id: link.node.to_string(),
        created_by: link.account.to_string(),
        kind: kind_to_wire(link.access).into(),
        label: link.label,
        has_password: link.password_hash.is_some(),
        expires_at: link.expires_at.map(timestamp),
        max_downloads: link.max_downloads,
        downloads: link.downloads,
        created_at: Some(timestamp(link.created_at)),
    }
}

/// As the gateway needs it for a visitor.
pub(super) fn opened(link: Link) -> internal::OpenedLink {
    internal::OpenedLink {
        tenant_id: link.tenant.to_string(),
        account_id: link.account.to_string(),
        node_id: link.node.to_string(),
        kind: kind_to_wire(link.access).into(),
        label: link.label,
        expires_at: link.expires_at.map(timestamp),
        counted: link.max_downloads.is_some(),
    }
}
