use super::group;
use crate::args::Space;
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use bitvault_client::api::{self, CreateSpace, UpdateSpace};
use serde_json::json;

pub(crate) async fn run(command: &Space, server: &Server, output: &Output) -> Result<(), Error> {
    let client = &server.client;
    match command {
        Space::Ls { all } => list(&client.spaces(*all).await?, output),
        Space::Create { name, group } => {
            let space = CreateSpace {
                name: name.clone(),
                group_id: group::named(server, group).await?.id,
            };
            list(&[client.create_space(&space).await?], output)
        }
        Space::Rename { name, to } => {
            let change = UpdateSpace {
                name: Some(to.clone()),
                group_id: None,
            };
            let id = named(server, name).await?.node.id;
            list(&[client.update_space(&id, &change).await?], output)
        }
        Space::Give { name, group } => {
            let change = UpdateSpace {
                name: None,
                group_id: Some(group::named(server, group).await?.id),
            };
            let id = named(server, name).await?.node.id;
            list(&[client.update_space(&id, &change).await?], output)
        }
        Space::Rm { name } => {
            let space = named(server, name).await?;
            client.delete_space(&space.node.id).await?;
            if output.json {
                return output.document(&json!({ "event": "deleted", "space": space }));
            }
            Ok(())
        }
    }
}

/// The space with this name, or this id. Who runs the tenant finds those that it can't look into as well.
pub(crate) async fn named(server: &Server, name: &str) -> Result<api::Space, Error> {
    let is_it = |space: &api::Space| space.node.name == name || space.node.id == name;
    if let Some(space) = server.client.spaces(false).await?.into_iter().find(is_it) {
        return Ok(space);
    }
    let all = server.client.spaces(true).await.unwrap_or_default();
    all.into_iter().find(is_it).ok_or_else(|| Error::Missing {
        what: format!("there is no space {name:?}"),
        hint: "look with `bitvault space ls`".to_owned(),
    })
}

fn list(spaces: &[api::Space], output: &Output) -> Result<(), Error> {
    if output.json {
        return output.document(&json!({ "items": spaces }));
    }
    let rows: Vec<Vec<String>> = spaces
        .iter()
        .map(|space| {
            vec![
                format!("{}:/", space.node.name),
                space.role.map_or("-", api::NodeRole::name).to_owned(),
                space.node.id.clone(),
            ]
        })
        .collect();
    output.listing(
        &["space", "role", "id"],
        &rows,
        "there is no space that you may see",
    )
}
