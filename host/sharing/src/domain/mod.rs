//! Pure types and rules: no I/O, no clock, no SQL.

pub(crate) mod door;
pub(crate) mod key;
pub(crate) mod makers;
pub(crate) mod terms;

use bitvault_platform::ids::{AccountId, LinkId, NodeId, TenantId};
use bitvault_platform::{Error, LinkAccess, Result};
use bitvault_proto::v1;
use time::OffsetDateTime;

/// A link as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) tenant: TenantId,
    pub(crate) id: LinkId,
    pub(crate) node: NodeId,
    pub(crate) account: AccountId,
    pub(crate) access: LinkAccess,
    pub(crate) password_hash: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) expires_at: Option<OffsetDateTime>,
    pub(crate) max_downloads: Option<u32>,
    pub(crate) downloads: u32,
    pub(crate) created_at: OffsetDateTime,
}

/// A kind as it stands in the database.
pub(crate) fn kind_name(access: LinkAccess) -> &'static str {
    match access {
        LinkAccess::View => "view",
        LinkAccess::Download => "download",
        LinkAccess::Drop => "drop",
    }
}

/// The kind of that name.
pub(crate) fn kind_of(name: &str) -> Result<LinkAccess> {
    match name {
        "view" => Ok(LinkAccess::View),
        "download" => Ok(LinkAccess::Download),
        "drop" => Ok(LinkAccess::Drop),
        _ => Err(Error::internal("read a link's kind", name)),
    }
}

/// A kind as a message has it.
pub(crate) fn kind_to_wire(access: LinkAccess) -> v1::LinkKind {
    match access {
        LinkAccess::View => v1::LinkKind::View,
        LinkAccess::Download => v1::LinkKind::Download,
        LinkAccess::Drop => v1::LinkKind::Drop,
    }
}
