use super::missing;
use bitvault_api as rest;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;

pub(crate) fn quota(from: rpc::Quota) -> Result<rest::Quota, Error> {
    let kind = match from.kind() {
        rpc::QuotaKind::Tenant => rest::QuotaKind::Tenant,
        rpc::QuotaKind::Home => rest::QuotaKind::Home,
        rpc::QuotaKind::Space => rest::QuotaKind::Space,
        rpc::QuotaKind::Folder => rest::QuotaKind::Folder,
        rpc::QuotaKind::Unspecified => return Err(missing("quota.kind")),
    };
    Ok(rest::Quota {
        kind,
        node_id: from.node_id,
        account_id: from.account_id,
        max_bytes: from.max_bytes,
        used_bytes: from.used_bytes,
        reserved_bytes: from.reserved_bytes,
    })
}
