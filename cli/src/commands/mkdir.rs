use super::{find, find_maybe};
use crate::args::Mkdir;
use crate::connect::Server;
use crate::error::Error;
use crate::output::Output;
use bitvault_client::api::{Code, Node, NodeKind};
use bitvault_client::{Error as ClientError, RemotePath};
use serde_json::json;

pub(crate) async fn run(args: &Mkdir, server: &Server, output: &Output) -> Result<(), Error> {
    for path in &args.paths {
        let node = if args.parents {
            make_all(server, path).await?
        } else {
            make_one(server, path).await?
        };
        if output.json {
            output.document(&json!({ "event": "folder", "remote": path.to_string(), "node": node }))?;
        }
    }
    Ok(())
}

async fn make_one(server: &Server, path: &RemotePath) -> Result<Node, Error> {
    let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
        return Err(Error::usage("/ is there already", "name a folder below it"));
    };
    let parent = find(server, &parent).await?;
    server
        .client
        .create_folder(&parent.id, name)
        .await
        .map_err(|error| Error::at(path, error))
}

async fn make_all(server: &Server, path: &RemotePath) -> Result<Node, Error> {
    // Mostly the deepest part that exists is near the end, so look from there.
    if let Some(node) = find_maybe(server, path).await? {
        return folder(node, path);
    }
    let mut at = find(server, &RemotePath::root()).await?;
    for prefix in path.prefixes() {
        let Some(name) = prefix.name() else {
            continue;
        };
        at = match find_maybe(server, &prefix).await? {
            Some(node) => folder(node, &prefix)?,
            None => match server.client.create_folder(&at.id, name).await {
                // Somebody else made it meanwhile.
                Err(error) if error.code() == Some(Code::Conflict) => {
                    folder(find(server, &prefix).await?, &prefix)?
                }
                result => result.map_err(|error| Error::at(&prefix, error))?,
            },
        };
    }
    Ok(at)
}

fn folder(node: Node, path: &RemotePath) -> Result<Node, Error> {
    match node.kind {
        NodeKind::Folder => Ok(node),
        NodeKind::File => Err(ClientError::Mismatch {
            what: path.to_string(),
            there: "file",
        }
        .into()),
    }
}
