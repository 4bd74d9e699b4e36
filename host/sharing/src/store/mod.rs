//! The only SQL of this module.

mod links;
mod visits;

pub(crate) use links::{
    Change, Cursor, New, delete, erase, fetch, insert, list_of_account, list_on_node, repeated, rotate,
    update,
};
pub(crate) use visits::{by_token, take};

use crate::domain::{Link, kind_of};
use bitvault_platform::ids::{AccountId, LinkId, NodeId, TenantId};
use bitvault_platform::{Error, Result};
use time::OffsetDateTime;

/// The columns of a link.
#[derive(Debug)]
pub(crate) struct Row {
    tenant_id: TenantId,
    id: LinkId,
    node_id: NodeId,
    account_id: AccountId,
    kind: String,
    password_hash: Option<String>,
    label: Option<String>,
    expires_at: Option<OffsetDateTime>,
    max_downloads: Option<i32>,
    downloads: i32,
    created_at: OffsetDateTime,
}

impl TryFrom<Row> for Link {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let count = |value: i32| u32::try_from(value).map_err(|cause| Error::internal("read a count", cause));
        Ok(Self {
            tenant: row.tenant_id,
            id: row.id,
            node: row.node_id,
            account: row.account_id,
            access: kind_of(&row.kind)?,
            password_hash: row.password_hash,
            label: row.label,
            expires_at: row.expires_at,
            max_downloads: row.max_downloads.map(count).transpose()?,
            downloads: count(row.downloads)?,
            created_at: row.created_at,
        })
    }
}

/// A count for a column. It was validated before.
fn signed(value: u32) -> Result<i32> {
    i32::try_from(value).map_err(|cause| Error::internal("write a count", cause))
}
