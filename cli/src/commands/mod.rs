//! One file per command.

mod ask;

pub(crate) mod admin;
pub(crate) mod cat;
pub(crate) mod completions;
pub(crate) mod conflicts;
pub(crate) mod cp;
pub(crate) mod favourites;
pub(crate) mod get;
pub(crate) mod group;
pub(crate) mod invitations;
pub(crate) mod invite;
pub(crate) mod link;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod ls;
pub(crate) mod man;
mod many;
pub(crate) mod members;
pub(crate) mod metadata;
pub(crate) mod mkdir;
pub(crate) mod mv;
pub(crate) mod passwd;
mod people;
mod place;
pub(crate) mod put;
pub(crate) mod quota;
pub(crate) mod recent;
pub(crate) mod restore;
pub(crate) mod rm;
pub(crate) mod search;
pub(crate) mod share;
pub(crate) mod shared;
pub(crate) mod space;
pub(crate) mod stat;
pub(crate) mod sync;
pub(crate) mod token;
pub(crate) mod trash;
pub(crate) mod tree;
pub(crate) mod usage;
pub(crate) mod versions;
mod whereabouts;
pub(crate) mod whoami;

use crate::connect::Server;
use crate::error::Error;
use bitvault_client::RemotePath;
use bitvault_client::api::{Code, Node};

/// The node at a path.
async fn find(server: &Server, path: &RemotePath) -> Result<Node, Error> {
    server
        .client
        .lookup(path)
        .await
        .map_err(|error| Error::at(path, error))
}

/// A file as one of its versions shows it.
async fn at_version(
    server: &Server,
    path: &RemotePath,
    mut node: Node,
    version: &str,
) -> Result<Node, Error> {
    let content = server.client.content(&node.id, Some(version)).await;
    let content = content.map_err(|error| Error::at(path, error))?;
    node.size = Some(content.size);
    node.sha256 = Some(content.sha256);
    node.version_id = Some(version.to_owned());
    Ok(node)
}

/// The node at a path, when there is one.
async fn find_maybe(server: &Server, path: &RemotePath) -> Result<Option<Node>, Error> {
    match server.client.lookup(path).await {
        Ok(node) => Ok(Some(node)),
        Err(error) if error.code() == Some(Code::NotFound) => Ok(None),
        Err(error) => Err(Error::at(path, error)),
    }
}
