use super::{at, missing};
use bitvault_api as rest;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;

pub(crate) fn session(from: rpc::Session) -> Result<rest::Session, Error> {
    Ok(rest::Session {
        expires_at: at(from.expires_at, "session.expires_at")?,
        account: account(from.account)?,
        tenant: tenant(from.tenant)?,
        access_token: from.access_token,
        refresh_token: from.refresh_token,
    })
}

pub(crate) fn me(from: rpc::Me, traces: bool) -> Result<rest::Me, Error> {
    Ok(rest::Me {
        account: account(from.account)?,
        tenant: tenant(from.tenant)?,
        role: from.role,
        traces,
    })
}

pub(crate) fn account(from: Option<rpc::Account>) -> Result<rest::Account, Error> {
    let from = from.ok_or_else(|| missing("account"))?;
    Ok(rest::Account {
        id: from.id,
        email: from.email,
        display_name: from.display_name,
    })
}

fn tenant(from: Option<rpc::Tenant>) -> Result<rest::Tenant, Error> {
    let from = from.ok_or_else(|| missing("tenant"))?;
    Ok(rest::Tenant {
        id: from.id,
        name: from.name,
    })
}
