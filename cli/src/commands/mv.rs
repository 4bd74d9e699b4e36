use super::{find, find_maybe};
use crate::args::Mv;
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use bitvault_client::RemotePath;
use bitvault_client::api::{Node, NodeKind, UpdateNode};
use serde_json::json;

/// Where a source goes: the folder, and its name there.
struct Place {
    folder: String,
    name: String,
    path: RemotePath,
}

pub(crate) async fn run(args: &Mv, server: &Server, output: &Output) -> Result<(), Error> {
    let destination = find_maybe(server, &args.destination).await?;
    let into = match &destination {
        Some(node) if node.kind == NodeKind::Folder => Some(node),
        Some(_) if args.destination.is_into() || args.sources.len() > 1 => {
            return Err(Error::usage(
                format!("{} is a file", args.destination),
                "name a folder to move into",
            ));
        }
        None if args.destination.is_into() || args.sources.len() > 1 => {
            return Err(Error::usage(
                format!("there is no folder {}", args.destination),
                "create it with `bitvault mkdir -p`",
            ));
        }
        _ => None,
    };
    for source in &args.sources {
        let Some(name) = source.name() else {
            return Err(Error::usage("/ can't be moved", "name what is in it"));
        };
        let node = find(server, source).await?;
        // Another spelling of the folder's own name finds the folder itself: that is a new name, not a move into it.
        // Among several sources it is a mistake, which the server tells.
        let place = match into.filter(|folder| folder.id != node.id || args.sources.len() > 1) {
            Some(folder) => Place {
                folder: folder.id.clone(),
                name: name.to_owned(),
                path: args.destination.join(name),
            },
            None => beside(args, server).await?,
        };
        let moved = update(server, &node, &place).await?;
        if output.json {
            output.document(&json!({
                "event": "moved", "from": source.to_string(), "remote": place.path.to_string(), "node": moved
            }))?;
        }
    }
    Ok(())
}

/// The destination taken as a path of its own.
async fn beside(args: &Mv, server: &Server) -> Result<Place, Error> {
    let (Some(parent), Some(name)) = (args.destination.parent(), args.destination.name()) else {
        return Err(Error::usage("/ can't be replaced", "name a folder to move into"));
    };
    Ok(Place {
        folder: find(server, &parent).await?.id,
        name: name.to_owned(),
        path: args.destination.clone(),
    })
}

async fn update(server: &Server, node: &Node, place: &Place) -> Result<Node, Error> {
    let change = UpdateNode {
        name: (node.name != place.name).then(|| place.name.clone()),
        parent_id: (node.parent_id.as_ref() != Some(&place.folder)).then(|| place.folder.clone()),
    };
    if change.name.is_none() && change.parent_id.is_none() {
        return Ok(node.clone());
    }
    server
        .client
        .update_node(&node.id, &change)
        .await
        .map_err(|error| Error::at(&place.path, error))
}
