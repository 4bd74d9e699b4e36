//! The model's tree and what changes it.

use std::collections::{BTreeMap, BTreeSet};

use bitvault_device::planner::{
    AccountId, Cause, Content, Name, NodeId, RemoteKind, RemoteNode, Sha256, UploadTo, VersionId,
    check_for_server,
};
use bitvault_device::remote::{Refusal, RemoteError, Told};
use bytes::Bytes;
use sha2::Digest as _;
use uuid::Uuid;

use super::Seen;
use super::journal::Journal;

/// All of the server.
#[derive(Debug, Clone)]
pub(super) struct Inner {
    nodes: BTreeMap<NodeId, Kept>,
    bytes: BTreeMap<VersionId, Bytes>,
    /// What was answered to which key.
    answers: BTreeMap<String, RemoteNode>,
    pub(super) journal: Journal,
    /// What went to the trash with a folder, and was not to be seen by who deleted that.
    pub(super) trashed_unseen: Vec<VersionId>,
    /// What was out of sight at some time, by somebody's act.
    pub(super) ever_gone: BTreeSet<NodeId>,
    /// The id that was given out last.
    pub(super) ids: u128,
}

#[derive(Debug, Clone)]
struct Kept {
    node: RemoteNode,
    is_trashed: bool,
    /// The account may not see it, nor what is below it. Its name is taken all the same.
    is_hidden: bool,
    versions: Vec<Content>,
}

const ROOT: NodeId = NodeId(Uuid::from_u128(1));

impl Default for Inner {
    fn default() -> Self {
        let root = RemoteNode {
            id: ROOT,
            parent: None,
            name: Name::from(""),
            kind: RemoteKind::Folder,
            revision: 1,
            writable: true,
        };
        let kept = Kept {
            node: root,
            is_trashed: false,
            is_hidden: false,
            versions: Vec::new(),
        };
        Self {
            nodes: [(ROOT, kept)].into(),
            bytes: BTreeMap::new(),
            answers: BTreeMap::new(),
            journal: Journal::default(),
            trashed_unseen: Vec::new(),
            ever_gone: BTreeSet::new(),
            ids: 1,
        }
    }
}

impl Inner {
    pub(super) fn root(&self) -> NodeId {
        ROOT
    }

    /// The live node of this id.
    pub(super) fn live(&self, id: NodeId) -> Option<&RemoteNode> {
        let kept = self
            .nodes
            .get(&id)
            .filter(|kept| !kept.is_trashed && !kept.is_hidden)?;
        match kept.node.parent {
            Some(parent) => self.live(parent).map(|_| &kept.node),
            None => Some(&kept.node),
        }
    }

    fn children(&self, id: NodeId) -> impl Iterator<Item = &RemoteNode> {
        self.nodes
            .values()
            .filter(move |kept| kept.node.parent == Some(id) && !kept.is_trashed && !kept.is_hidden)
            .map(|kept| &kept.node)
    }

    /// Why a node is not to be seen: it or what holds it was trashed, or is hidden.
    pub(super) fn why_gone(&self, id: NodeId) -> Cause {
        let mut at = self.nodes.get(&id);
        while let Some(kept) = at {
            if kept.is_trashed {
                return Cause::Trashed;
            }
            at = kept.node.parent.and_then(|parent| self.nodes.get(&parent));
        }
        Cause::AccessLost
    }

    /// The live tree below a node, itself first, folders before what they hold.
    pub(super) fn below(&self, id: NodeId) -> Vec<&RemoteNode> {
        let mut found: Vec<&RemoteNode> = self.live(id).into_iter().collect();
        let mut next = 0;
        while let Some(node) = found.get(next).copied() {
            found.extend(self.children(node.id));
            next += 1;
        }
        found
    }

    /// Everything that was not trashed below a node, itself first, to be seen or not.
    pub(super) fn below_all(&self, id: NodeId) -> Vec<&RemoteNode> {
        let live = |kept: &&Kept| !kept.is_trashed;
        let top = self.nodes.get(&id).filter(live);
        let mut found: Vec<&RemoteNode> = top.map(|kept| &kept.node).into_iter().collect();
        let mut next = 0;
        while let Some(node) = found.get(next).copied() {
            let children = self.nodes.values().filter(live);
            let children = children.filter(|kept| kept.node.parent == Some(node.id));
            found.extend(children.map(|kept| &kept.node));
            next += 1;
        }
        found
    }

    pub(super) fn files(&self) -> BTreeMap<String, Seen> {
        let mut paths: BTreeMap<NodeId, String> = BTreeMap::new();
        let mut files = BTreeMap::new();
        for node in self.below(ROOT) {
            let path = match node.parent.and_then(|parent| paths.get(&parent)) {
                None => String::new(),
                Some(above) if above.is_empty() => node.name.to_string(),
                Some(above) => format!("{above}/{}", node.name),
            };
            if node.id != ROOT {
                let seen = match node.kind.content() {
                    None => Seen::Folder,
                    Some(content) => Seen::File(self.content(content.version).unwrap_or_default()),
                };
                files.insert(path.clone(), seen);
            }
            paths.insert(node.id, path);
        }
        files
    }

    pub(super) fn find(&self, path: &str) -> Option<NodeId> {
        path.split('/').try_fold(ROOT, |folder, name| {
            self.children(folder)
                .find(|node| node.name.as_str() == name)
                .map(|node| node.id)
        })
    }

    pub(super) fn content(&self, version: VersionId) -> Option<Bytes> {
        self.bytes.get(&version).cloned()
    }

    /// How many versions of whatever files have, or had, these bytes.
    pub(super) fn times_held(&self, bytes: &Bytes) -> usize {
        self.bytes.values().filter(|held| *held == bytes).count()
    }

    pub(super) fn lose_bytes(&mut self, node: NodeId) {
        let content = self.live(node).and_then(|node| node.kind.content());
        if let Some(version) = content.map(|content| content.version) {
            self.bytes.remove(&version);
        }
    }

    pub(super) fn ever_held(&self, sha256: Sha256) -> bool {
        self.nodes
            .values()
            .flat_map(|kept| &kept.versions)
            .any(|version| version.sha256 == sha256)
    }

    pub(super) fn answered(&self, key: &str) -> Option<RemoteNode> {
        self.answers.get(key).cloned()
    }

    pub(super) fn answer(&mut self, key: &str, node: &RemoteNode) {
        self.answers.insert(key.to_owned(), node.clone());
    }

    pub(super) fn create_folder(
        &mut self,
        actor: AccountId,
        parent: NodeId,
        name: &Name,
    ) -> Result<RemoteNode, RemoteError> {
        self.may_write(actor, parent)?;
        self.may_hold(parent, name, None)?;
        Ok(self.add(actor, parent, name, RemoteKind::Folder))
    }

    pub(super) fn upload(
        &mut self,
        actor: AccountId,
        to: &UploadTo,
        sha256: Sha256,
        bytes: Bytes,
    ) -> Result<RemoteNode, RemoteError> {
        if Sha256(sha2::Sha256::digest(&bytes).into()) != sha256 {
            return Err(refused(Refusal::Invalid, "the content does not hash as promised"));
        }
        let content = Content {
            version: VersionId(self.id()),
            sha256,
            size: bytes.len() as u64,
        };
        let node = match to {
            UploadTo::New { parent, name } => {
                self.may_write(actor, *parent)?;
                self.may_hold(*parent, name, None)?;
                self.add(actor, *parent, name, RemoteKind::File(content))
            }
            UploadTo::Version { node, base } => {
                self.may_write(actor, *node)?;
                let current = self.live(*node).ok_or_else(not_found)?.kind.content();
                if current.is_none_or(|content| content.version != *base) {
                    return Err(refused(Refusal::Stale, "another version came between"));
                }
                self.change(actor, *node, |node| node.kind = RemoteKind::File(content))?
            }
        };
        if let Some(kept) = self.nodes.get_mut(&node.id) {
            kept.versions.push(content);
        }
        self.bytes.insert(content.version, bytes);
        Ok(node)
    }

    pub(super) fn move_node(
        &mut self,
        actor: AccountId,
        id: NodeId,
        revision: i64,
        parent: NodeId,
        name: &Name,
    ) -> Result<RemoteNode, RemoteError> {
        self.is_at(id, revision)?;
        match self.live(id).and_then(|node| node.parent) {
            Some(old) if old == parent => self.may_write(actor, id)?,
            old => {
                self.may_write(actor, old.ok_or_else(not_found)?)?;
                self.may_write(actor, parent)?;
            }
        }
        self.may_hold(parent, name, Some(id))?;
        let mut above = Some(parent);
        while let Some(at) = above {
            if at == id {
                return Err(refused(Refusal::Invalid, "a folder can't move into itself"));
            }
            above = self.live(at).and_then(|node| node.parent);
        }
        self.change(actor, id, |node| {
            node.parent = Some(parent);
            node.name = name.clone();
        })
    }

    pub(super) fn delete(
        &mut self,
        actor: AccountId,
        id: NodeId,
        revision: i64,
        covers: &[(NodeId, i64)],
    ) -> Result<(), RemoteError> {
        self.is_at(id, revision)?;
        let parent = self.live(id).and_then(|node| node.parent);
        self.may_write(actor, parent.ok_or_else(not_found)?)?;
        let covers: BTreeMap<NodeId, i64> = covers.iter().copied().collect();
        let below = self.below(id);
        if below.len() != covers.len()
            || below
                .iter()
                .any(|node| covers.get(&node.id) != Some(&node.revision))
        {
            return Err(refused(Refusal::Stale, "something below it changed meanwhile"));
        }
        let all = self.below_all(id).into_iter();
        let unseen = all.filter(|node| !covers.contains_key(&node.id));
        let unseen: Vec<VersionId> = unseen
            .filter_map(|node| Some(node.kind.content()?.version))
            .collect();
        self.trashed_unseen.extend(unseen);
        if let Some(kept) = self.nodes.get_mut(&id) {
            kept.is_trashed = true;
            kept.node.revision += 1;
        }
        self.note_gone();
        self.journal.tell(actor, id, Told::Remove(id, Cause::Trashed));
        Ok(())
    }

    pub(super) fn restore(&mut self, id: NodeId) {
        if let Some(kept) = self.nodes.get_mut(&id) {
            kept.is_trashed = false;
            kept.node.revision += 1;
        }
        self.tell_below(id);
    }

    /// Tells of everything at and below a node once more.
    pub(super) fn tell_below(&mut self, id: NodeId) {
        let nodes: Vec<RemoteNode> = self.below(id).into_iter().cloned().collect();
        for node in nodes {
            self.journal
                .tell(AccountId(Uuid::nil()), node.id, Told::Upsert(node));
        }
    }

    /// People on the web own everything; the devices' account may be given less.
    fn may_write(&self, actor: AccountId, id: NodeId) -> Result<(), RemoteError> {
        let node = self.live(id).ok_or_else(not_found)?;
        match node.writable || actor.0.is_nil() {
            true => Ok(()),
            false => Err(refused(Refusal::Denied, "it may only be read")),
        }
    }

    /// Lets the devices' account write a node and all below it, or not.
    pub(super) fn set_writable(&mut self, id: NodeId, writable: bool) {
        let below: Vec<NodeId> = self.below(id).into_iter().map(|node| node.id).collect();
        for id in below {
            let _ = self.change(AccountId(Uuid::nil()), id, |node| node.writable = writable);
        }
    }

    /// Takes a node out of sight, or brings it back.
    pub(super) fn set_hidden(&mut self, id: NodeId, hidden: bool) {
        let Some(kept) = self.nodes.get_mut(&id) else {
            return;
        };
        if kept.is_hidden == hidden {
            return;
        }
        kept.is_hidden = hidden;
        let actor = AccountId(Uuid::nil());
        if hidden {
            self.note_gone();
            self.journal.tell(actor, id, Told::Remove(id, Cause::AccessLost));
            return;
        }
        let nodes: Vec<RemoteNode> = self.below(id).into_iter().cloned().collect();
        for node in nodes {
            self.journal.tell(actor, node.id, Told::Upsert(node));
        }
    }

    /// The nodes that were trashed by themselves.
    pub(super) fn trashed(&self) -> Vec<NodeId> {
        let trashed = self.nodes.values().filter(|kept| kept.is_trashed);
        trashed.map(|kept| kept.node.id).collect()
    }

    /// The nodes that are hidden by themselves.
    pub(super) fn hidden(&self) -> Vec<NodeId> {
        let hidden = self.nodes.values().filter(|kept| kept.is_hidden);
        hidden.map(|kept| kept.node.id).collect()
    }

    /// Whether a trashed node has a place to come back to.
    pub(super) fn may_come_back(&self, id: NodeId) -> bool {
        let Some(node) = self.nodes.get(&id).map(|kept| &kept.node) else {
            return false;
        };
        let place = node
            .parent
            .map(|parent| self.may_hold(parent, &node.name, Some(id)));
        place.is_some_and(|held| held.is_ok())
    }

    fn is_at(&self, id: NodeId, revision: i64) -> Result<(), RemoteError> {
        let node = self.live(id).ok_or_else(not_found)?;
        if node.revision != revision {
            return Err(refused(Refusal::Stale, "it changed meanwhile"));
        }
        Ok(())
    }

    /// Whether a folder may hold this name; `except` is who has it already.
    fn may_hold(&self, parent: NodeId, name: &Name, except: Option<NodeId>) -> Result<(), RemoteError> {
        if let Err(trouble) = check_for_server(name) {
            return Err(refused(Refusal::Invalid, &format!("the name {trouble}")));
        }
        let folder = self.live(parent).ok_or_else(not_found)?;
        if folder.kind != RemoteKind::Folder {
            return Err(refused(Refusal::Invalid, "a file holds nothing"));
        }
        let key = name.key();
        let mut siblings = self
            .nodes
            .values()
            .filter(|kept| kept.node.parent == Some(parent) && !kept.is_trashed);
        if siblings.any(|kept| Some(kept.node.id) != except && kept.node.name.key() == key) {
            return Err(refused(Refusal::NameTaken, "the name is taken"));
        }
        Ok(())
    }

    fn add(&mut self, actor: AccountId, parent: NodeId, name: &Name, kind: RemoteKind) -> RemoteNode {
        let node = RemoteNode {
            id: NodeId(self.id()),
            parent: Some(parent),
            name: name.clone(),
            kind,
            revision: 1,
            writable: true,
        };
        let kept = Kept {
            node: node.clone(),
            is_trashed: false,
            is_hidden: false,
            versions: Vec::new(),
        };
        self.nodes.insert(node.id, kept);
        self.journal.tell(actor, node.id, Told::Upsert(node.clone()));
        node
    }

    fn change(
        &mut self,
        actor: AccountId,
        id: NodeId,
        change: impl FnOnce(&mut RemoteNode),
    ) -> Result<RemoteNode, RemoteError> {
        let kept = self.nodes.get_mut(&id).ok_or_else(not_found)?;
        change(&mut kept.node);
        kept.node.revision += 1;
        let node = kept.node.clone();
        self.note_gone();
        self.journal.tell(actor, id, Told::Upsert(node.clone()));
        Ok(node)
    }

    fn note_gone(&mut self) {
        let gone = self.nodes.keys().filter(|id| self.live(**id).is_none());
        let gone: Vec<NodeId> = gone.copied().collect();
        self.ever_gone.extend(gone);
    }

    fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids)
    }
}

pub(super) fn refused(why: Refusal, detail: &str) -> RemoteError {
    RemoteError::Refused {
        why,
        detail: detail.to_owned(),
    }
}

fn not_found() -> RemoteError {
    refused(Refusal::NotFound, "there is no such node")
}
