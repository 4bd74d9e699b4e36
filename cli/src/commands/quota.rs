use super::whereabouts::Whereabouts;
use super::{find, members, space};
use crate::args::{Quota, QuotaCommand, SizeOrNone};
use crate::connect::Server;
use crate::error::Error;
use crate::human::size;
use crate::output::Output;
use bitvault_client::RemotePath;
use bitvault_client::api;
use serde_json::json;
use std::collections::HashMap;

pub(crate) async fn run(args: &Quota, server: &Server, output: &Output) -> Result<(), Error> {
    let client = &server.client;
    match args.command.as_ref().unwrap_or(&QuotaCommand::Ls) {
        QuotaCommand::Ls => list(server, output).await,
        QuotaCommand::Set { on, size: limit } => {
            let id = target(server, on).await?;
            let set = client.set_quota(&id, limit.as_u64()).await;
            let quota = set.map_err(|error| Error::at(on, error))?;
            if output.json {
                return output.document(&quota);
            }
            output.line(&told(&quota))
        }
        QuotaCommand::Homes { size: wanted } => {
            if let Some(SizeOrNone(limit)) = wanted {
                client.set_home_quota(limit.map(|limit| limit.as_u64())).await?;
            }
            let limit = client.home_quota().await?.map(|limit| limit.max_bytes);
            if output.json {
                return output.document(&json!({ "max_bytes": limit }));
            }
            output.line(&limit.map_or_else(|| "none".to_owned(), size))
        }
        QuotaCommand::Rm { on } => {
            let id = target(server, on).await?;
            let gone = client.delete_quota(&id).await;
            gone.map_err(|error| Error::at(on, error))?;
            if output.json {
                output.document(&json!({ "event": "removed", "id": id }))?;
            }
            Ok(())
        }
    }
}

/// The folder or account that is meant.
async fn target(server: &Server, on: &str) -> Result<String, Error> {
    let path = match on.parse::<RemotePath>() {
        Ok(path) => path,
        Err(_) if on.contains('@') || on.starts_with("acc_") => {
            return Ok(members::find(server, on).await?.id);
        }
        Err(error) => {
            let hint = "use a path on the server, or a member's mail address";
            return Err(Error::usage(error.to_string(), hint));
        }
    };
    // Who runs the tenant limits spaces without looking into them.
    match path.below() {
        Some(name) if path.is_root() => Ok(space::named(server, name).await?.node.id),
        _ => Ok(find(server, &path).await?.id),
    }
}

async fn list(server: &Server, output: &Output) -> Result<(), Error> {
    let quotas = server.client.quotas().await?;
    if output.json {
        return output.document(&json!({ "items": quotas }));
    }
    let members = server.client.members().await?.into_iter();
    let mut names: HashMap<String, String> = members.map(|member| (member.id, member.email)).collect();
    for space in server.client.spaces(true).await? {
        names.insert(space.node.id, format!("{}:/", space.node.name));
    }
    let mut whereabouts = Whereabouts::new(server).await?;
    let mut rows = Vec::new();
    for quota in &quotas {
        let on = match quota.account_id.as_ref().or(quota.node_id.as_ref()) {
            Some(id) => match names.get(id) {
                Some(name) => name.clone(),
                None => whereabouts.path_of(id).await?,
            },
            None => "the tenant".to_owned(),
        };
        rows.push(vec![
            on,
            size(quota.max_bytes),
            used(quota),
            size(quota.reserved_bytes),
        ]);
    }
    output.listing(
        &["on", "limit", "used", "reserved"],
        &rows,
        "nothing is limited; set a limit with `bitvault quota set`",
    )
}

/// A limit in one line.
pub(crate) fn told(quota: &api::Quota) -> String {
    let of = match quota.kind {
        api::QuotaKind::Tenant => "of the tenant: ",
        api::QuotaKind::Home | api::QuotaKind::Space | api::QuotaKind::Folder => "",
    };
    let mut line = format!("{of}{} of {}", used(quota), size(quota.max_bytes));
    if quota.reserved_bytes > 0 {
        line += &format!(", {} more under way", size(quota.reserved_bytes));
    }
    line
}

fn used(quota: &api::Quota) -> String {
    quota.used_bytes.map_or_else(|| "counting".to_owned(), size)
}
