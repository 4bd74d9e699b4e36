//! What the model says of folders, uploads, names and places.

use crate::copies::is_copied;
use crate::model::{Change, Key, Model, Node, ROOT, Reason, Role, Target, Upload, User, Version, home};
use crate::request::{Answer, At, Outcome, Place, Request, View, Wanted};

impl Model {
    /// Does what is asked, if it is allowed. What it makes goes by `key`.
    pub(crate) fn apply(&mut self, key: Key, user: User, request: &Request) -> Outcome {
        self.now += 1;
        let answer = match request {
            Request::CreateFolder { parent, name } => self.create_folder(key, user, *parent, name),
            Request::Upload {
                wanted,
                content,
                commit,
            } => self.upload(key, user, wanted, *content, *commit),
            Request::Commit { upload } => self.commit(user, *upload).map(Answer::Node),
            Request::Abort { upload } => self.abort(user, *upload).map(|()| Answer::Done),
            Request::Update(item) => self
                .update_all(user, std::slice::from_ref(item))
                .remove(0)
                .map(Answer::Node),
            Request::UpdateMany(items) => {
                let results = self.update_all(user, items).into_iter();
                let told = results.map(|result| result.map(Some).map_err(str::to_owned));
                Ok(Answer::Each(told.collect()))
            }
            Request::Delete(item) => self.delete(user, item).map(|()| Answer::Done),
            Request::DeleteMany(items) => {
                let results = items.iter().map(|item| self.delete(user, item));
                let told = results.map(|result| result.map(|()| None).map_err(str::to_owned));
                Ok(Answer::Each(told.collect()))
            }
            Request::Restore(item) => self.restore(user, item).map(Answer::Node),
            Request::EmptyTrash { within } => self.empty_trash(user, *within).map(Answer::Removed),
            Request::ListTrash { within } => self.list_trash(user, *within).map(Answer::Trash),
            Request::PutGrant { node, subject, role } => self.put_grant(user, *node, *subject, *role),
            Request::DeleteGrant { node, subject } => self.delete_grant(user, *node, *subject),
            Request::SetInheritance { node, inherits } => self.set_inheritance(user, *node, *inherits),
            Request::ListGrants { node } => self.list_grants(user, *node),
            Request::PutMember { user: member } => self.put_member(user, *member),
            Request::DeleteMember { user: member } => self.delete_member(user, *member),
            Request::Get { node } => self
                .at(user, *node)
                .and_then(|key| self.get(user, key))
                .map(Answer::Node),
            Request::List { node } => self.list(user, *node).map(Answer::Nodes),
            Request::Lookup { below, path } => self.lookup(user, *below, path).map(Answer::Node),
            Request::RestoreVersion {
                file,
                version,
                revision,
            } => self
                .restore_version(key, user, *file, *version, *revision)
                .map(Answer::Node),
            Request::DeleteVersion { file, version } => {
                self.delete_version(user, *file, *version).map(|()| Answer::Done)
            }
            Request::Copy { node, parent, name } => {
                self.copy(key, user, *node, *parent, *name).map(Answer::Node)
            }
            Request::SetQuota { node, max } => self.set_quota(user, *node, *max),
            Request::DeleteQuota { node } => self.delete_quota(user, *node).map(|()| Answer::Done),
            Request::Read { node, version } => self.read(user, *node, *version).map(Answer::Content),
        };
        answer.map_err(str::to_owned)
    }

    pub(crate) fn at(&self, user: User, at: At) -> Result<Key, Reason> {
        match at {
            At::Id(key) => Ok(key),
            At::Home => home(user).ok_or("no_home"),
        }
    }

    pub(crate) fn view(&self, key: Key) -> View {
        let node = &self.nodes[&key];
        View {
            key,
            parent: node.parent.filter(|parent| *parent != ROOT),
            name: node.name.clone(),
            is_folder: node.is_folder(),
            revision: node.revision,
            version: node.versions.last().map(|version| (version.key, version.content)),
        }
    }

    /// Changes a node and says so in the journal.
    pub(crate) fn change(&mut self, kind: &str, key: Key, by: User, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(&key) {
            change(node);
            node.revision += 1;
        }
        self.record(kind, key, None, by);
    }

    fn create_folder(&mut self, key: Key, user: User, parent: At, name: &str) -> Result<Answer, Reason> {
        let parent = self.at(user, parent)?;
        self.require_folder(user, parent)?;
        if self.holder(parent, name).is_some() {
            return Err("name_taken");
        }
        self.nodes.insert(key, Node::folder(key, Some(parent), name));
        self.record("created", key, None, user);
        Ok(Answer::Node(self.view(key)))
    }

    fn upload(
        &mut self,
        key: Key,
        user: User,
        wanted: &Wanted,
        content: u8,
        commit: bool,
    ) -> Result<Answer, Reason> {
        let target = match wanted {
            Wanted::File { parent, name } => Target::File {
                parent: self.at(user, *parent)?,
                name: (*name).to_owned(),
            },
            Wanted::Version { node, base } => Target::Version {
                node: self.at(user, *node)?,
                base: *base,
            },
        };
        self.admit(user, &target)?;
        let reserved = self.reserve(&target, content)?;
        let upload = Upload {
            by: user,
            target,
            content,
            committed: None,
            reserved,
        };
        self.uploads.insert(key, upload);
        if commit {
            self.commit(user, key).map(Answer::Node)
        } else {
            Ok(Answer::Done)
        }
    }

    /// Whether an upload may be committed as things are: said when it starts, and again when it is committed.
    fn admit(&self, user: User, target: &Target) -> Result<(), Reason> {
        match target {
            Target::File { parent, name } => {
                self.require_folder(user, *parent)?;
                match self.holder(*parent, name) {
                    Some(_) => Err("name_taken"),
                    None => Ok(()),
                }
            }
            Target::Version { node, base } => {
                let node = self.require(user, *node, Role::Editor, "node_not_found")?;
                let current = node.versions.last().ok_or("not_a_file")?;
                if base.is_some_and(|base| base != current.key) {
                    return Err("version_conflict");
                }
                Ok(())
            }
        }
    }

    /// Committing again answers the node, wherever that is now, to whom may see it still.
    fn commit(&mut self, user: User, key: Key) -> Result<View, Reason> {
        let upload = self.uploads.get(&key).filter(|upload| upload.by == user);
        let upload = upload.ok_or("upload_not_found")?.clone();
        if let Some(node) = upload.committed {
            if !self.blobs().any(|blob| blob == key) {
                return Err("upload_gone");
            }
            self.permit(user, node, Role::Viewer, "node_not_found")?;
            return Ok(self.view(node));
        }
        self.admit(user, &upload.target)?;
        self.require_reserved(&upload)?;
        let version = Version {
            key,
            content: upload.content,
            blob: key,
        };
        let (kind, node) = match upload.target {
            Target::File { parent, name } => {
                let mut node = Node::folder(key, Some(parent), &name);
                node.versions.push(version);
                self.nodes.insert(key, node);
                ("created", key)
            }
            Target::Version { node, .. } => {
                let file = self.nodes.get_mut(&node).ok_or("node_not_found")?;
                file.versions.push(version);
                file.revision += 1;
                ("updated", node)
            }
        };
        self.record(kind, node, Some(key), user);
        if let Some(upload) = self.uploads.get_mut(&key) {
            upload.committed = Some(node);
            upload.reserved.clear();
        }
        Ok(self.view(node))
    }

    /// An upload that was given up may be committed all the same while its content is there.
    fn abort(&mut self, user: User, key: Key) -> Result<(), Reason> {
        // Its content is given up with the last version that has it.
        let is_used = self.blobs().any(|blob| blob == key);
        let upload = self.uploads.get_mut(&key).filter(|upload| upload.by == user);
        let upload = upload.ok_or("upload_not_found")?;
        if is_used {
            return Err("upload_committed");
        }
        upload.reserved.clear();
        Ok(())
    }

    /// The items of a batch, one after the other. When that lets quotas grow beyond their limits, nothing goes into these.
    fn update_all(&mut self, user: User, items: &[Place]) -> Vec<Result<View, Reason>> {
        let mut full = Vec::new();
        loop {
            let mut trial = self.clone();
            let results = items.iter().map(|item| trial.update(user, item, &full)).collect();
            let outgrown = trial.outgrown(self);
            if outgrown.is_empty() {
                *self = trial;
                return results;
            }
            full.extend(outgrown);
        }
    }

    fn update(&mut self, user: User, item: &Place, full: &[Key]) -> Result<View, Reason> {
        let key = self.at(user, item.node)?;
        let parent = item.parent.map(|parent| self.at(user, parent)).transpose()?;
        if item.name.is_none() && parent.is_none() {
            return Err("nothing_to_change");
        }
        let node = self.nodes.get(&key).ok_or("node_not_found")?;
        if node.is_top() {
            return Err(self.role(user, key).map_or("node_not_found", |_| "root_fixed"));
        }
        let from = node.parent.unwrap_or(ROOT);
        let to = parent.unwrap_or(from);
        self.require(user, key, Role::Editor, "node_not_found")?;
        if item.revision.is_some_and(|seen| seen != node.revision) {
            return Err("revision_conflict");
        }
        if from != to {
            self.require(user, from, Role::Editor, "folder_not_yours")?;
            self.require_folder(user, to)?;
        }
        if self.within(to, key) {
            return Err("into_itself");
        }
        if full
            .iter()
            .any(|full| self.within(to, *full) && !self.within(from, *full))
        {
            return Err("quota_exceeded");
        }
        let name = item.name.unwrap_or(&node.name).to_owned();
        if self.holder(to, &name).is_some_and(|holder| holder != key) {
            return Err("name_taken");
        }
        if from != to || node.name != name {
            self.change("moved", key, user, |node| {
                node.parent = Some(to);
                node.name = name;
            });
        }
        Ok(self.view(key))
    }

    fn get(&self, user: User, key: Key) -> Result<View, Reason> {
        self.require(user, key, Role::Viewer, "node_not_found")?;
        Ok(self.view(key))
    }

    /// What is in a folder, by folded name. What takes no roles from above is shown to whom it was given, and to owners.
    pub(crate) fn list(&self, user: User, folder: At) -> Result<Vec<View>, Reason> {
        let folder = self.at(user, folder)?;
        if !self
            .require(user, folder, Role::Viewer, "node_not_found")?
            .is_folder()
        {
            return Err("not_a_folder");
        }
        let live = self.children(folder).filter(|node| node.trashed.is_none());
        let seen = live.filter(|node| self.role(user, node.key).is_some());
        let mut views: Vec<View> = seen.map(|node| self.view(node.key)).collect();
        views.sort_by_key(|view| crate::model::fold(&view.name));
        Ok(views)
    }

    /// Who may see a node may name it by the way that leads there, whoever owns the folders on it.
    fn lookup(&self, user: User, below: Option<At>, path: &str) -> Result<View, Reason> {
        let mut at = self.at(user, below.unwrap_or(At::Home))?;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            at = self.holder(at, name).ok_or("node_not_found")?;
        }
        self.get(user, at)
    }

    /// The current content, or that of another version, which the user may read as well.
    fn read(&self, user: User, node: At, version: Option<Key>) -> Result<u8, Reason> {
        let key = self.at(user, node)?;
        let node = self.require(user, key, Role::Viewer, "node_not_found")?;
        let current = node.versions.last().ok_or("not_a_file")?;
        let wanted = version.unwrap_or(current.key);
        let found = node.versions.iter().find(|version| version.key == wanted);
        found.map(|version| version.content).ok_or("version_not_found")
    }

    /// Removes a node and everything below it; answers how many that were.
    pub(crate) fn remove(&mut self, key: Key, by: User) -> u64 {
        let below: Vec<Key> = self.children(key).map(|node| node.key).collect();
        let removed: u64 = below.into_iter().map(|child| self.remove(child, by)).sum();
        self.record("deleted", key, None, by);
        self.nodes.remove(&key);
        self.quotas.remove(&key);
        self.gone.insert(key);
        removed + 1
    }
}

/// Removals in one transaction are told from the leaves up, what a copy makes from the top down; otherwise in no order.
pub(crate) fn settled(mut journal: Vec<Change>) -> Vec<Change> {
    let loose = |change: &Change| change.kind == "deleted" || is_copied(change.node);
    for run in journal.chunk_by_mut(|one, other| loose(one) && loose(other) && one.kind == other.kind) {
        run.sort();
    }
    journal
}
