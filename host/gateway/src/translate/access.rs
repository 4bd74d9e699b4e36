use super::{at, missing, node};
use bitvault_api as rest;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;

/// A role that a module named.
pub(super) fn role(name: &str) -> Result<rest::NodeRole, Error> {
    name.parse()
        .map_err(|_| Error::internal("read a module's answer", format!("{name} is no role")))
}

pub(crate) fn grant(from: rpc::Grant) -> Result<rest::Grant, Error> {
    Ok(rest::Grant {
        role: role(&from.role)?,
        granted_at: at(from.granted_at, "grant.granted_at")?,
        node_id: from.node_id,
        subject_id: from.subject_id,
        granted_by: from.granted_by,
    })
}

pub(crate) fn grants(from: rpc::ListGrantsResponse) -> Result<rest::Grants, Error> {
    Ok(rest::Grants {
        items: from.items.into_iter().map(grant).collect::<Result<_, _>>()?,
        inherits: from.inherits,
        role: from.role.as_deref().map(role).transpose()?,
    })
}

pub(crate) fn shared(from: rpc::SharedNode) -> Result<rest::SharedNode, Error> {
    Ok(rest::SharedNode {
        node: node(from.node.ok_or_else(|| missing("shared.node"))?)?,
        role: role(&from.role)?,
        granted_at: at(from.granted_at, "shared.granted_at")?,
        granted_by: from.granted_by,
    })
}

pub(crate) fn group(from: rpc::Group) -> Result<rest::Group, Error> {
    Ok(rest::Group {
        created_at: at(from.created_at, "group.created_at")?,
        id: from.id,
        name: from.name,
        members: from.members,
    })
}

pub(crate) fn group_member(from: rpc::GroupMember) -> Result<rest::GroupMember, Error> {
    Ok(rest::GroupMember {
        added_at: at(from.added_at, "group_member.added_at")?,
        account_id: from.account_id,
    })
}

pub(crate) fn space(from: rpc::Space) -> Result<rest::Space, Error> {
    Ok(rest::Space {
        node: node(from.node.ok_or_else(|| missing("space.node"))?)?,
        group_id: from.group_id,
        role: from.role.as_deref().map(role).transpose()?,
    })
}
