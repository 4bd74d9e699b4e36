//! Rows to messages. Pure.

use crate::domain::scope_names;
use crate::service::timestamp;
use crate::store::{Fellow, InvitationRow, TenantRow, TokenRow};
use bitvault_platform::ids::{NodeId, TenantId};
use bitvault_proto::v1;

pub(super) fn member(row: Fellow) -> v1::Member {
    v1::Member {
        account: Some(v1::Account {
            id: row.account.to_string(),
            email: row.email,
            display_name: row.display_name,
        }),
        role: row.role.to_string(),
        joined_at: Some(timestamp(row.joined_at)),
        pending: row.pending,
    }
}

pub(super) fn invitation(row: InvitationRow) -> v1::Invitation {
    v1::Invitation {
        id: row.id.to_string(),
        email: row.email,
        role: row.role,
        invited_by: row.invited_by.to_string(),
        created_at: Some(timestamp(row.created_at)),
        expires_at: Some(timestamp(row.expires_at)),
        grants: row.grants.iter().map(grant).collect(),
    }
}

fn grant((node, role): &(NodeId, String)) -> v1::InvitedGrant {
    v1::InvitedGrant {
        node_id: node.to_string(),
        role: role.clone(),
    }
}

pub(super) fn token(row: TokenRow) -> v1::AccessToken {
    v1::AccessToken {
        id: row.id.to_string(),
        name: row.name,
        scopes: scope_names(row.scopes),
        created_at: Some(timestamp(row.created_at)),
        expires_at: Some(timestamp(row.expires_at)),
    }
}

pub(super) fn tenant(id: TenantId, row: TenantRow) -> v1::TenantDetails {
    v1::TenantDetails {
        id: id.to_string(),
        display_name: row.display_name.unwrap_or_else(|| row.name.clone()),
        name: row.name,
        created_at: Some(timestamp(row.created_at)),
        settings: Some(v1::TenantSettings {
            public_links: Some(row.settings.public_links.name().to_owned()),
            trash_retention_days: row.settings.trash_retention_days,
            guest_invitations: Some(row.settings.guest_invitations.name().to_owned()),
        }),
    }
}
