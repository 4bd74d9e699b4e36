//! Where nodes are, written as the paths that commands take.

use crate::connect::Server;
use crate::error::Error;
use bitvault_client::api::{Code, Node, NodeKind};
use std::collections::HashMap;

/// Climbs from nodes to the tops of the trees that the caller sees them in. Each folder is asked for once.
pub(crate) struct Whereabouts<'a> {
    server: &'a Server,
    home: String,
    /// Names of spaces by their folders.
    spaces: HashMap<String, String>,
    folders: HashMap<String, Option<Node>>,
}

impl<'a> Whereabouts<'a> {
    pub(crate) async fn new(server: &'a Server) -> Result<Self, Error> {
        let home = server.client.node("root").await?.id;
        let spaces = server.client.spaces(false).await?;
        Ok(Self {
            server,
            home,
            spaces: spaces
                .into_iter()
                .map(|space| (space.node.id, space.node.name))
                .collect(),
            folders: HashMap::new(),
        })
    }

    /// `/a/b` in the caller's home, `Space:/a/b`, or `nod_…:/a/b` below what is shared with the caller; of a folder with a slash
    /// at its end.
    pub(crate) async fn path(&mut self, node: &Node) -> Result<String, Error> {
        let mut names = match node.kind {
            NodeKind::Folder => vec![String::new()],
            _ => Vec::new(),
        };
        let mut at = node.clone();
        loop {
            let above = match &at.parent_id {
                _ if at.id == self.home || self.spaces.contains_key(&at.id) => None,
                Some(parent) => self.folder(parent).await?,
                None => None,
            };
            let Some(above) = above else { break };
            names.push(std::mem::replace(&mut at, above).name);
        }
        names.reverse();
        let top = match self.spaces.get(&at.id) {
            _ if at.id == self.home => String::new(),
            Some(space) => format!("{space}:"),
            None => format!("{}:", at.id),
        };
        Ok(format!("{top}/{}", names.join("/")))
    }

    /// The same of a node that is known by its id; the id where the caller does not see it.
    pub(crate) async fn path_of(&mut self, id: &str) -> Result<String, Error> {
        match self.folder(id).await? {
            Some(node) => self.path(&node).await,
            None => Ok(id.to_owned()),
        }
    }

    /// A folder, if the caller sees it.
    async fn folder(&mut self, id: &str) -> Result<Option<Node>, Error> {
        if let Some(known) = self.folders.get(id) {
            return Ok(known.clone());
        }
        let found = match self.server.client.node(id).await {
            Ok(node) => Some(node),
            Err(error) if error.code() == Some(Code::NotFound) => None,
            Err(error) => return Err(error.into()),
        };
        self.folders.insert(id.to_owned(), found.clone());
        Ok(found)
    }
}
