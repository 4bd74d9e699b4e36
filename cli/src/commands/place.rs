//! Where things go on the server: into a folder that is there, else to that very path.

use super::{find, find_maybe};
use crate::connect::Server;
use crate::error::Error;
use bitvault_client::RemotePath;
use bitvault_client::api::{Node, NodeKind};

/// A folder, and a name there.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) folder: String,
    pub(super) name: String,
    pub(super) path: RemotePath,
}

/// The folder that several things go into, or one thing when it is there or written with a slash at its end. `verb` says
/// what is to be done with them.
pub(super) async fn folder(
    destination: &RemotePath,
    several: bool,
    verb: &str,
    server: &Server,
) -> Result<Option<Node>, Error> {
    let into = destination.is_into() || several;
    match find_maybe(server, destination).await? {
        Some(node) if node.kind == NodeKind::Folder => Ok(Some(node)),
        Some(_) if into => Err(Error::usage(
            format!("{destination} is a file"),
            format!("name a folder to {verb} into"),
        )),
        None if into => Err(Error::usage(
            format!("there is no folder {destination}"),
            "create it with `bitvault mkdir -p`",
        )),
        _ => Ok(None),
    }
}

/// A name within a folder.
pub(super) fn within(destination: &RemotePath, folder: &Node, name: &str) -> Place {
    Place {
        folder: folder.id.clone(),
        name: name.to_owned(),
        path: destination.join(name),
    }
}

/// The destination taken as a path of its own.
pub(super) async fn at(destination: &RemotePath, verb: &str, server: &Server) -> Result<Place, Error> {
    let (Some(parent), Some(name)) = (destination.parent(), destination.name()) else {
        return Err(Error::usage(
            "/ can't be replaced",
            format!("name a folder to {verb} into"),
        ));
    };
    Ok(Place {
        folder: find(server, &parent).await?.id,
        name: name.to_owned(),
        path: destination.clone(),
    })
}
