use super::find;
use super::many::Many;
use super::place::{self, Place};
use crate::args::Cp;
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use bitvault_client::api::{CopyJob, CopyNode, CopyState, Node, NodeKind};
use bitvault_client::{Copied, RemotePath};
use serde_json::json;
use std::time::Duration;

/// Time between two looks at a large copy; a look costs next to nothing.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

pub(crate) async fn run(args: &Cp, server: &Server, output: &Output) -> Result<(), Error> {
    let several = args.sources.len() > 1;
    let into = place::folder(&args.destination, several, "copy", server).await?;
    let mut many = Many::new(output, args.sources.len());
    for source in &args.sources {
        if source.name().is_none() {
            return Err(Error::usage("/ can't be copied", "name what is in it"));
        }
        match one(args, source, into.as_ref(), server).await {
            Ok((place, copied)) => many.done(&json!({
                "event": "copied", "from": source.to_string(), "remote": place.path.to_string(), "node": copied
            }))?,
            Err(error) => many.failed(&source.to_string(), error)?,
        }
    }
    many.end()
}

async fn one(
    args: &Cp,
    source: &RemotePath,
    into: Option<&Node>,
    server: &Server,
) -> Result<(Place, Node), Error> {
    let node = find(server, source).await?;
    if node.kind == NodeKind::Folder && !args.recursive {
        return Err(Error::usage(
            format!("{source} is a folder"),
            "copy it with all that is in it by -r",
        ));
    }
    let place = match (into, source.name()) {
        (Some(folder), Some(name)) => place::within(&args.destination, folder, name),
        _ => place::at(&args.destination, "copy", server).await?,
    };
    let copied = copy(server, &node, &place).await?;
    Ok((place, copied))
}

async fn copy(server: &Server, node: &Node, place: &Place) -> Result<Node, Error> {
    let at = |error| Error::at(&place.path, error);
    let wanted = CopyNode {
        parent_id: place.folder.clone(),
        name: Some(place.name.clone()),
    };
    match server.client.copy_node(&node.id, &wanted).await.map_err(at)? {
        Copied::Node(node) => Ok(*node),
        Copied::Job(job) => {
            let id = finished(server, job, &place.path).await?;
            server.client.node(&id).await.map_err(at)
        }
    }
}

/// Waits for a large copy; answers its node.
async fn finished(server: &Server, mut job: CopyJob, path: &RemotePath) -> Result<String, Error> {
    loop {
        match (job.state, job.node_id) {
            (CopyState::Running, _) => {}
            (CopyState::Done, Some(id)) => return Ok(id),
            (_, _) => {
                let reason = job.reason.unwrap_or_else(|| "it was cancelled".to_owned());
                return Err(Error::CopyEnded {
                    path: path.to_string(),
                    reason,
                });
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        job = server
            .client
            .copy_job(&job.id)
            .await
            .map_err(|error| Error::at(path, error))?;
    }
}
