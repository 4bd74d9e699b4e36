use super::find;
use super::many::Many;
use crate::args::Rm;
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use bitvault_client::RemotePath;
use bitvault_client::api::limits::BATCH_ITEMS;
use bitvault_client::api::{DeleteItem, DeleteResult, NodeKind};
use serde_json::json;

/// What the server says while more is left below a node than one call removes.
const UNFINISHED: &str = "delete_unfinished";

pub(crate) async fn run(args: &Rm, server: &Server, output: &Output) -> Result<(), Error> {
    let mut many = Many::new(output, args.remotes.len());
    let mut found = Vec::new();
    for path in &args.remotes {
        if path.is_root() {
            return Err(Error::usage("/ can't be removed", "name what is in it"));
        }
        match find(server, path).await {
            Ok(node) if node.kind == NodeKind::Folder && !args.recursive => {
                return Err(Error::usage(
                    format!("{path} is a folder"),
                    "remove it with all that is in it by -r",
                ));
            }
            Ok(node) => found.push((path, node.id)),
            Err(error) => many.failed(&path.to_string(), error)?,
        }
    }
    for batch in found.chunks(BATCH_ITEMS) {
        let mut gone = delete(batch, false, server, &mut many).await?;
        if args.permanent {
            gone = delete(&gone, true, server, &mut many).await?;
        }
        let to = if args.permanent { "nowhere" } else { "trash" };
        for (path, id) in gone {
            let path = path.to_string();
            many.done(&json!({ "event": "removed", "remote": path, "node_id": id, "to": to }))?;
        }
    }
    many.end()
}

type Named<'a> = (&'a RemotePath, String);

/// Deletes nodes; answers those that are.
async fn delete<'a>(
    nodes: &[Named<'a>],
    permanent: bool,
    server: &Server,
    many: &mut Many<'_>,
) -> Result<Vec<Named<'a>>, Error> {
    let mut left = nodes.to_vec();
    let mut gone = Vec::new();
    while !left.is_empty() {
        let items = left.iter().map(|(_, id)| DeleteItem {
            id: id.clone(),
            permanent,
            revision: None,
            covers: None,
        });
        let results = server.client.delete_nodes(items.collect()).await?;
        let mut again = Vec::new();
        for (node, result) in left.into_iter().zip(results) {
            match result {
                DeleteResult::Deleted(_) => gone.push(node),
                DeleteResult::Error(problem) if problem.reason == UNFINISHED => again.push(node),
                DeleteResult::Error(problem) => {
                    let error = bitvault_client::Error::Problem(Box::new(problem));
                    many.failed(&node.0.to_string(), Error::at(node.0, error))?;
                }
            }
        }
        left = again;
    }
    Ok(gone)
}
