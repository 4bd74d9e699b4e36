use super::find;
use super::many::Many;
use super::place::{self, Place};
use crate::args::Mv;
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use bitvault_client::RemotePath;
use bitvault_client::api::limits::BATCH_ITEMS;
use bitvault_client::api::{MoveItem, MoveResult, Node};
use serde_json::json;

pub(crate) async fn run(args: &Mv, server: &Server, output: &Output) -> Result<(), Error> {
    let several = args.sources.len() > 1;
    let into = place::folder(&args.destination, several, "move", server).await?;
    let mut many = Many::new(output, args.sources.len());
    let mut moves = Vec::new();
    for source in &args.sources {
        let Some(name) = source.name() else {
            return Err(Error::usage("/ can't be moved", "name what is in it"));
        };
        let node = match find(server, source).await {
            Ok(node) => node,
            Err(error) => {
                many.failed(&source.to_string(), error)?;
                continue;
            }
        };
        // Another spelling of the folder's own name finds the folder itself: that is a new name, not a move into it.
        // Among several sources it is a mistake, which the server tells.
        let place = match into.as_ref().filter(|folder| folder.id != node.id || several) {
            Some(folder) => place::within(&args.destination, folder, name),
            None => place::at(&args.destination, "move", server).await?,
        };
        moves.push((source, node, place));
    }
    for batch in moves.chunks(BATCH_ITEMS) {
        let (changed, same): (Vec<_>, Vec<_>) = batch
            .iter()
            .partition(|(_, node, place)| item(node, place).is_some());
        for (source, node, place) in same {
            done(&many, source, place, node)?;
        }
        if changed.is_empty() {
            continue;
        }
        let items = changed.iter().filter_map(|(_, node, place)| item(node, place));
        let results = server.client.update_nodes(items.collect()).await?;
        for ((source, _, place), result) in changed.into_iter().zip(results) {
            match result {
                MoveResult::Node(node) => done(&many, source, place, &node)?,
                MoveResult::Error(problem) => {
                    let error = bitvault_client::Error::Problem(Box::new(problem));
                    many.failed(&source.to_string(), Error::at(&place.path, error))?;
                }
            }
        }
    }
    many.end()
}

/// What changes, if anything does.
fn item(node: &Node, place: &Place) -> Option<MoveItem> {
    let item = MoveItem {
        id: node.id.clone(),
        name: (node.name != place.name).then(|| place.name.clone()),
        parent_id: (node.parent_id.as_ref() != Some(&place.folder)).then(|| place.folder.clone()),
        revision: None,
    };
    (item.name.is_some() || item.parent_id.is_some()).then_some(item)
}

fn done(many: &Many<'_>, source: &RemotePath, place: &Place, node: &Node) -> Result<(), Error> {
    many.done(&json!({
        "event": "moved", "from": source.to_string(), "remote": place.path.to_string(), "node": node
    }))
}
