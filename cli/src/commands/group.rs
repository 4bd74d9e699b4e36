use super::people::{self, Names};
use crate::args::Group;
use crate::connect::Server;
use crate::error::Error;
use crate::human::instant;
use crate::output::Output;
use bitvault_client::api;
use serde_json::json;

pub(crate) async fn run(command: &Group, server: &Server, output: &Output) -> Result<(), Error> {
    let client = &server.client;
    match command {
        Group::Ls => list(&client.groups().await?, output),
        Group::Create { name } => list(&[client.create_group(name).await?], output),
        Group::Rename { name, to } => {
            let group = named(server, name).await?;
            list(&[client.rename_group(&group.id, to).await?], output)
        }
        Group::Rm { name } => {
            let group = named(server, name).await?;
            client.delete_group(&group.id).await?;
            told(output, "deleted", &group)
        }
        Group::Members { name } => members(server, name, output).await,
        Group::Add { name, who } => {
            let group = named(server, name).await?;
            for one in who {
                let account = people::id(one, server).await?;
                let added = client.add_to_group(&group.id, &account).await;
                added.map_err(|error| Error::at(one, error))?;
            }
            members(server, name, output).await
        }
        Group::Remove { name, who } => {
            let group = named(server, name).await?;
            for one in who {
                let account = people::id(one, server).await?;
                let removed = client.remove_from_group(&group.id, &account).await;
                removed.map_err(|error| Error::at(one, error))?;
            }
            members(server, name, output).await
        }
    }
}

/// The group with this name, or this id.
pub(crate) async fn named(server: &Server, name: &str) -> Result<api::Group, Error> {
    let mut groups = server.client.groups().await?.into_iter();
    groups
        .find(|group| group.name == name || group.id == name)
        .ok_or_else(|| Error::Missing {
            what: format!("there is no group {name:?}"),
            hint: "look with `bitvault group ls`".to_owned(),
        })
}

async fn members(server: &Server, name: &str, output: &Output) -> Result<(), Error> {
    let group = named(server, name).await?;
    let members = server.client.group_members(&group.id).await?;
    if output.json {
        return output.document(&json!({ "group": group, "items": members }));
    }
    let names = Names::of(members.iter().map(|member| member.account_id.as_str()), server).await?;
    let rows: Vec<Vec<String>> = members
        .iter()
        .map(|member| vec![names.name(&member.account_id), instant(member.added_at)])
        .collect();
    output.listing(
        &["who", "since"],
        &rows,
        "nobody belongs to it yet; add somebody with `bitvault group add`",
    )
}

fn list(groups: &[api::Group], output: &Output) -> Result<(), Error> {
    if output.json {
        return output.document(&json!({ "items": groups }));
    }
    let rows: Vec<Vec<String>> = groups
        .iter()
        .map(|group| vec![group.name.clone(), group.members.to_string(), group.id.clone()])
        .collect();
    output.listing(
        &["name", "members", "id"],
        &rows,
        "there are no groups yet; make one with `bitvault group create`",
    )
}

fn told(output: &Output, event: &str, group: &api::Group) -> Result<(), Error> {
    if output.json {
        return output.document(&json!({ "event": event, "group": group }));
    }
    Ok(())
}
