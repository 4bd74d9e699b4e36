use super::many::Many;
use super::{find, place, trash};
use crate::args::{Restore, Restored};
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use bitvault_client::RemotePath;
use bitvault_client::api::{Node, RestoreNode, TrashItem};
use serde_json::json;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

pub(crate) async fn run(args: &Restore, server: &Server, output: &Output) -> Result<(), Error> {
    let mut many = Many::new(output, args.nodes.len());
    let several = args.nodes.len() > 1;
    let target = match &args.to {
        None => RestoreNode::default(),
        Some(to) => match place::folder(to, several, "restore", server).await? {
            Some(folder) => RestoreNode {
                parent_id: Some(folder.id),
                name: None,
            },
            None => {
                let place = place::at(to, "restore", server).await?;
                RestoreNode {
                    parent_id: Some(place.folder),
                    name: Some(place.name),
                }
            }
        },
    };
    // What is in the trash of a tree, once a path in it is asked for.
    let mut there: HashMap<Option<&str>, Vec<TrashItem>> = HashMap::new();
    for wanted in &args.nodes {
        let shown = wanted.to_string();
        let id = match wanted {
            Restored::Id(id) => id.clone(),
            Restored::Path(path) => {
                let below = path.below();
                if let Entry::Vacant(entry) = there.entry(below) {
                    entry.insert(look(below, server).await?);
                }
                let item = there.get_mut(&below).and_then(|there| take(there, path));
                let Some(item) = item else {
                    let what = format!("there is no {path} in the trash");
                    let hint =
                        "look with `bitvault trash`; what is below a folder there is restored by its id";
                    many.failed(&shown, Error::missing(what, hint))?;
                    continue;
                };
                item.node.id
            }
        };
        match server.client.restore_node(&id, &target).await {
            Ok(node) => {
                many.done(&json!({ "event": "restored", "what": shown, "node": node }))?;
                tell(&node, &shown, output);
            }
            Err(error) => many.failed(&shown, Error::at(&shown, error))?,
        }
    }
    many.end()
}

/// What is in the trash of the caller's own files, or of a space.
async fn look(below: Option<&str>, server: &Server) -> Result<Vec<TrashItem>, Error> {
    let within = match below {
        Some(below) => {
            let top = RemotePath::parse(&format!("{below}:/"))
                .map_err(|error| Error::usage(error.to_string(), "restore it by its id"))?;
            Some(find(server, &top).await?.id)
        }
        None => None,
    };
    Ok(server.client.trash(within.as_deref()).await?)
}

/// The one that went to the trash last from that path.
fn take(there: &mut Vec<TrashItem>, path: &RemotePath) -> Option<TrashItem> {
    let wanted = path.to_string();
    let shown = |item: &TrashItem| trash::path(item, path.below());
    let at = there
        .iter()
        .position(|item| shown(item).trim_end_matches('/') == wanted)?;
    Some(there.remove(at))
}

/// Another name than the one that was asked for is no surprise once it is told.
fn tell(node: &Node, shown: &str, output: &Output) {
    let own = shown.rsplit('/').next().unwrap_or_default();
    if !output.json && !shown.starts_with("nod_") && node.name != own {
        output.note(&format!("{shown} is {} now", node.name));
    }
}
