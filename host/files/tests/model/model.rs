//! What should be there: one tenant in memory. A tree, the roles on it, versions, uploads, the trash and the journal, each as
//! plainly as it can be said. Nothing here is shared with the code that is tested.
//!
//! Nodes, versions and uploads go by the number of the step that made them, so that a shorter sequence names them the same.

use std::collections::{BTreeMap, BTreeSet};

/// A node, a version or an upload: the number of the step that made it.
pub(crate) type Key = u32;

/// Somebody who acts: its place in [`USERS`].
pub(crate) type User = usize;

/// Why something is refused, as clients see it.
pub(crate) type Reason = &'static str;

/// The users: ann runs the tenant, gil is a guest and has no home.
pub(crate) const USERS: [&str; 4] = ["ann", "ben", "cid", "gil"];
/// Who acts when the server does by itself, and whoever is unknown.
pub(crate) const NOBODY: User = User::MAX;
pub(crate) const ADMIN: User = 0;
pub(crate) const GUEST: User = 3;

/// The tenant's root, which is shown to nobody.
pub(crate) const ROOT: Key = 0;
/// The top of the space, which belongs to the group.
pub(crate) const SPACE: Key = 5;
/// Steps are numbered from here.
pub(crate) const FIRST: Key = 10;

/// What a role lets do; each may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum Role {
    Viewer,
    Commenter,
    Editor,
    Owner,
}

/// To whom a role is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) enum Subject {
    User(User),
    /// The one group there is.
    Group,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) key: Key,
    /// Which of the contents.
    pub(crate) content: u8,
    /// The upload that brought the bytes: copies and restored versions share them.
    pub(crate) blob: Key,
}

#[derive(Debug, Clone)]
pub(crate) struct Trashed {
    pub(crate) at: u64,
    pub(crate) by: User,
    /// The tree that it was in.
    pub(crate) tree: Key,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) key: Key,
    /// Absent on the root.
    pub(crate) parent: Option<Key>,
    pub(crate) name: String,
    /// Empty on folders; the last is the current one.
    pub(crate) versions: Vec<Version>,
    pub(crate) revision: i64,
    pub(crate) inherits: bool,
    pub(crate) grants: BTreeMap<Subject, Role>,
    pub(crate) trashed: Option<Trashed>,
}

impl Node {
    pub(crate) fn folder(key: Key, parent: Option<Key>, name: &str) -> Self {
        Self {
            key,
            parent,
            name: name.to_owned(),
            versions: Vec::new(),
            revision: 1,
            inherits: true,
            grants: BTreeMap::new(),
            trashed: None,
        }
    }

    pub(crate) fn is_folder(&self) -> bool {
        self.versions.is_empty()
    }

    /// Whether it is the top of a tree, or the root.
    pub(crate) fn is_top(&self) -> bool {
        self.parent.is_none_or(|parent| parent == ROOT)
    }
}

/// What an upload will make.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    File { parent: Key, name: String },
    Version { node: Key, base: Option<Key> },
}

#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) by: User,
    pub(crate) target: Target,
    pub(crate) content: u8,
    /// The node that it made.
    pub(crate) committed: Option<Key>,
    /// The quotas that it has reserved its bytes of.
    pub(crate) reserved: BTreeSet<Key>,
}

/// A row of the journal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Change {
    pub(crate) kind: String,
    pub(crate) node: Key,
    pub(crate) version: Option<Key>,
    pub(crate) revision: i64,
    pub(crate) by: User,
}

#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) nodes: BTreeMap<Key, Node>,
    /// What is gone for good.
    pub(crate) gone: BTreeSet<Key>,
    pub(crate) members: BTreeSet<User>,
    pub(crate) uploads: BTreeMap<Key, Upload>,
    /// How many bytes may lie below.
    pub(crate) quotas: BTreeMap<Key, u64>,
    pub(crate) journal: Vec<Change>,
    /// Grows with each step.
    pub(crate) now: u64,
}

impl Model {
    /// A home for each user but the guest, and a space of the group, which ben and gil are in.
    pub(crate) fn new() -> Self {
        let homes = (0..USERS.len()).filter_map(home);
        let mut nodes: BTreeMap<Key, Node> = homes
            .map(|key| (key, Node::folder(key, Some(ROOT), "")))
            .collect();
        nodes.insert(ROOT, Node::folder(ROOT, None, ""));
        let mut space = Node::folder(SPACE, Some(ROOT), "space");
        space.grants.insert(Subject::Group, Role::Owner);
        nodes.insert(SPACE, space);
        let mut model = Self {
            nodes,
            gone: BTreeSet::new(),
            members: BTreeSet::from([1, GUEST]),
            uploads: BTreeMap::new(),
            quotas: BTreeMap::new(),
            journal: Vec::new(),
            now: 0,
        };
        for _ in 0..model.members.len() {
            model.record("shared", ROOT, None, ADMIN);
        }
        model.record("created", SPACE, None, ADMIN);
        model
    }

    /// Writes a row of the journal, with the node's revision.
    pub(crate) fn record(&mut self, kind: &str, node: Key, version: Option<Key>, by: User) {
        let revision = self.nodes.get(&node).map_or(0, |node| node.revision);
        self.journal.push(Change {
            kind: kind.to_owned(),
            node,
            version,
            revision,
            by,
        });
    }

    /// The role of a user on a node, in the trash or not: what is given there or comes from above. Where inheritance is cut,
    /// only ownership comes from above.
    pub(crate) fn role(&self, user: User, key: Key) -> Option<Role> {
        let node = self.nodes.get(&key)?;
        let above = node.parent.and_then(|parent| self.role(user, parent));
        let above = above.filter(|role| node.inherits || *role == Role::Owner);
        let own = (home(user) == Some(key)).then_some(Role::Owner);
        let given = node.grants.iter().filter(|(subject, _)| match subject {
            Subject::User(to) => *to == user,
            Subject::Group => self.members.contains(&user),
        });
        given.map(|(_, role)| *role).max().max(own).max(above)
    }

    /// Whether neither the node nor a folder above it is in the trash.
    pub(crate) fn live(&self, key: Key) -> bool {
        self.nodes
            .get(&key)
            .is_some_and(|node| node.trashed.is_none() && node.parent.is_none_or(|parent| self.live(parent)))
    }

    /// The node, wherever it is, if the user has that role there.
    pub(crate) fn permit(&self, user: User, key: Key, role: Role, missing: Reason) -> Result<&Node, Reason> {
        match self.role(user, key) {
            Some(has) if has >= role => self.nodes.get(&key).ok_or(missing),
            Some(_) => Err("role_too_low"),
            None => Err(missing),
        }
    }

    /// As [`permit`](Self::permit), for a node that is not in the trash.
    pub(crate) fn require(&self, user: User, key: Key, role: Role, missing: Reason) -> Result<&Node, Reason> {
        if !self.live(key) {
            return Err(missing);
        }
        self.permit(user, key, role, missing)
    }

    /// As [`require`](Self::require), for a folder to put something into.
    pub(crate) fn require_folder(&self, user: User, key: Key) -> Result<(), Reason> {
        let folder = self.require(user, key, Role::Editor, "parent_not_found")?;
        if folder.is_folder() {
            Ok(())
        } else {
            Err("not_a_folder")
        }
    }

    /// The user may share a node as its owner; who runs the tenant may always share the top of a space.
    pub(crate) fn require_sharable(&self, user: User, key: Key) -> Result<(), Reason> {
        let owned = self.require(user, key, Role::Owner, "node_not_found").map(|_| ());
        if key == SPACE && user == ADMIN {
            Ok(())
        } else {
            owned
        }
    }

    pub(crate) fn children(&self, key: Key) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(move |node| node.parent == Some(key))
    }

    /// Who holds a name in a folder.
    pub(crate) fn holder(&self, folder: Key, name: &str) -> Option<Key> {
        let key = fold(name);
        let mut inside = self.children(folder).filter(|node| node.trashed.is_none());
        inside.find(|node| fold(&node.name) == key).map(|node| node.key)
    }

    /// The folders above a node, itself first, the root last.
    pub(crate) fn up(&self, key: Key) -> impl Iterator<Item = Key> {
        std::iter::successors(Some(key), |key| self.nodes.get(key).and_then(|node| node.parent))
    }

    /// The top of the tree that a node is in.
    pub(crate) fn tree(&self, key: Key) -> Key {
        let top = self
            .up(key)
            .find(|at| self.nodes.get(at).is_some_and(|node| node.parent == Some(ROOT)));
        top.unwrap_or(key)
    }

    /// The uploads whose bytes some version has.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = Key> {
        let versions = self.nodes.values().flat_map(|node| &node.versions);
        versions.map(|version| version.blob)
    }

    /// The time of what was not committed is over.
    pub(crate) fn expire_uploads(&mut self) {
        for upload in self.uploads.values_mut() {
            upload.reserved.clear();
        }
    }

    pub(crate) fn within(&self, key: Key, ancestor: Key) -> bool {
        self.up(key).any(|at| at == ancestor)
    }
}

/// The home of a user; the guest has none.
pub(crate) fn home(user: User) -> Option<Key> {
    (user != GUEST).then_some(user as Key + 1)
}

/// Two names are the same when they are folded to the same. It suffices for the names that the steps use.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase().replace("e\u{301}", "é").replace('ß', "ss")
}
