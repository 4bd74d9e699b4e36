//! Picks the targets of an operation from what is there.

use crate::model::{GUEST, Key, Model, Node, ROOT, User, home};
use crate::operation::{Base, Delete, Move, NAMES, Operation, Pick, Seen};
use crate::request::{At, Place, Remove, Request, Wanted};

impl Request {
    /// Picks the targets of an operation. Absent when there is nothing to pick.
    pub(crate) fn of(operation: &Operation, user: User, model: &Model) -> Option<Self> {
        let chooser = Chooser { model, user };
        let folder = |pick| chooser.node(pick, Node::is_folder, true);
        let file = |pick| chooser.node(pick, |node| !node.is_folder(), true);
        let any = |pick| chooser.node(pick, |_| true, true);
        let inner = |pick| chooser.node(pick, |node| !node.is_top(), true);
        Some(match operation {
            Operation::CreateFolder { parent, name } => Self::CreateFolder {
                parent: folder(*parent),
                name: NAMES[*name],
            },
            Operation::Upload {
                parent,
                name,
                content,
            }
            | Operation::Start {
                parent,
                name,
                content,
            } => Self::Upload {
                wanted: Wanted::File {
                    parent: folder(*parent),
                    name: NAMES[*name],
                },
                content: *content,
                commit: matches!(operation, Operation::Upload { .. }),
            },
            Operation::UploadVersion {
                file: pick,
                base,
                content,
            }
            | Operation::StartVersion {
                file: pick,
                base,
                content,
            } => {
                let node = file(*pick);
                Self::Upload {
                    wanted: Wanted::Version {
                        node,
                        base: chooser.version(node, *base),
                    },
                    content: *content,
                    commit: matches!(operation, Operation::UploadVersion { .. }),
                }
            }
            Operation::Commit { upload } => Self::Commit {
                upload: chooser.upload(*upload)?,
            },
            Operation::Abort { upload } => Self::Abort {
                upload: chooser.upload(*upload)?,
            },
            Operation::Update(item) => Self::Update(chooser.place(item)),
            Operation::UpdateMany(items) => {
                Self::UpdateMany(items.iter().map(|item| chooser.place(item)).collect())
            }
            Operation::Delete(item) => Self::Delete(chooser.remove(item)),
            Operation::DeleteMany(items) => {
                Self::DeleteMany(items.iter().map(|item| chooser.remove(item)).collect())
            }
            Operation::Restore {
                node,
                parent,
                name,
                seen,
            } => {
                let node = chooser.trashed(*node);
                Self::Restore(Place {
                    node,
                    name: name.map(|name| NAMES[name]),
                    parent: parent.map(folder),
                    revision: chooser.revision(node, *seen),
                })
            }
            Operation::EmptyTrash { within } => Self::EmptyTrash {
                within: within.map(any),
            },
            Operation::ListTrash { within } => Self::ListTrash {
                within: within.map(any),
            },
            Operation::PutGrant { node, subject, role } => Self::PutGrant {
                node: any(*node),
                subject: *subject,
                role: *role,
            },
            Operation::DeleteGrant { node, subject } => Self::DeleteGrant {
                node: chooser.node(*node, |node| node.grants.contains_key(subject), true),
                subject: *subject,
            },
            Operation::SetInheritance { node, inherits } => Self::SetInheritance {
                node: inner(*node),
                inherits: *inherits,
            },
            Operation::ListGrants { node } => Self::ListGrants { node: any(*node) },
            Operation::PutMember { user } => Self::PutMember { user: *user },
            Operation::DeleteMember { user } => Self::DeleteMember { user: *user },
            Operation::Get { node } => Self::Get { node: any(*node) },
            Operation::List { node } => Self::List { node: folder(*node) },
            Operation::Lookup { node } => chooser.lookup(*node),
            Operation::Read { node, version } => {
                let node = file(*node);
                let version = chooser.version(node, *version);
                Self::Read { node, version }
            }
            Operation::RestoreVersion {
                file: pick,
                version,
                seen,
            } => {
                let file = chooser.node(*pick, |node| node.versions.len() > 1, true);
                Self::RestoreVersion {
                    file,
                    version: chooser.old_version(*pick, file, *version)?,
                    revision: chooser.revision(file, *seen),
                }
            }
            Operation::DeleteVersion { file: pick, version } => {
                let file = chooser.node(*pick, |node| node.versions.len() > 1, true);
                let version = chooser.old_version(*pick, file, *version)?;
                Self::DeleteVersion { file, version }
            }
            Operation::Copy { node, parent, name } => {
                let node = any(*node);
                // Copies of copies grow without end.
                let below = chooser.found(node).map_or(0, |node| model.size(node.key));
                if below > COPIED {
                    return None;
                }
                Self::Copy {
                    node,
                    parent: folder(*parent),
                    name: name.map(|name| NAMES[name]),
                }
            }
            Operation::SetQuota { node, max } => {
                let node = any(*node);
                let used = chooser.found(node).map_or(0, |node| model.used(node.key));
                Self::SetQuota {
                    node,
                    max: max.unwrap_or(used),
                }
            }
            Operation::DeleteQuota { node } => Self::DeleteQuota {
                node: chooser.node(*node, |node| model.quotas.contains_key(&node.key), true),
            },
        })
    }
}

/// Nodes of the largest tree that is copied.
const COPIED: usize = 12;

/// Picks targets for one user.
struct Chooser<'a> {
    model: &'a Model,
    user: User,
}

impl Chooser<'_> {
    /// Mostly a node that fits and that the user has a role on; sometimes any, whether it is gone, hidden or the root.
    fn node(&self, pick: Pick, fits: impl Fn(&Node) -> bool, live: bool) -> At {
        let nodes = self.model.nodes.values();
        let good = nodes.filter(|node| {
            fits(node) && self.model.live(node.key) == live && self.model.role(self.user, node.key).is_some()
        });
        let wild = pick.0.is_multiple_of(8);
        let good = pick.of(good.map(|node| node.key)).filter(|_| !wild);
        let all = self.model.nodes.keys().chain(&self.model.gone);
        let key = good.or_else(|| pick.of(all.copied())).unwrap_or(ROOT);
        let alias = home(self.user) == Some(key) && pick.0 & 16 != 0;
        if alias || (self.user == GUEST && pick.0.is_multiple_of(64)) {
            At::Home
        } else {
            At::Id(key)
        }
    }

    /// Mostly a node that is in the trash by itself, sometimes one that is below such a node.
    fn trashed(&self, pick: Pick) -> At {
        self.node(pick, |node| node.trashed.is_some() || pick.0 & 32 != 0, false)
    }

    fn found(&self, at: At) -> Option<&Node> {
        let key = match at {
            At::Id(key) => key,
            At::Home => home(self.user)?,
        };
        self.model.nodes.get(&key)
    }

    fn revision(&self, at: At, seen: Seen) -> Option<i64> {
        let now = self.found(at).map_or(1, |node| node.revision);
        match seen {
            Seen::Unsaid => None,
            Seen::Current => Some(now),
            Seen::Older => Some(now - 1),
        }
    }

    fn version(&self, at: At, base: Base) -> Option<Key> {
        let versions = &self.found(at)?.versions;
        match base {
            Base::Unsaid => None,
            Base::Current => versions.last(),
            Base::First => versions.first(),
        }
        .map(|version| version.key)
    }

    /// A version of the file, sometimes of another one.
    fn old_version(&self, pick: Pick, at: At, base: Base) -> Option<Key> {
        let all = self.model.nodes.values().flat_map(|node| &node.versions);
        if pick.0 & 7 == 4 {
            return pick.of(all.map(|version| version.key));
        }
        self.version(at, base)
    }

    /// Mostly an upload of the user that is open, else one that is committed, sometimes anybody's.
    fn upload(&self, pick: Pick) -> Option<Key> {
        let uploads = &self.model.uploads;
        let open = uploads
            .iter()
            .filter(|(_, upload)| upload.by == self.user && upload.committed.is_none());
        let open = pick.of(open.map(|(key, _)| *key)).filter(|_| pick.0 & 12 != 0);
        let own = uploads.iter().filter(|(_, upload)| upload.by == self.user);
        let own = open.or_else(|| pick.of(own.map(|(key, _)| *key)));
        own.filter(|_| !pick.0.is_multiple_of(8))
            .or_else(|| pick.of(uploads.keys().copied()))
    }

    fn place(&self, item: &Move) -> Place {
        let node = self.node(item.node, |node| !node.is_top(), true);
        Place {
            node,
            name: item.name.map(|name| NAMES[name]),
            parent: item.parent.map(|parent| self.node(parent, Node::is_folder, true)),
            revision: self.revision(node, item.seen),
        }
    }

    fn remove(&self, item: &Delete) -> Remove {
        let node = if item.permanent {
            self.trashed(item.node)
        } else {
            self.node(item.node, |node| !node.is_top(), true)
        };
        Remove {
            node,
            permanent: item.permanent,
            revision: self.revision(node, item.seen),
        }
    }

    /// The path of a node from itself or from a folder above it, written as it is or in capitals.
    fn lookup(&self, pick: Pick) -> Request {
        let at = self.node(pick, |_| true, true);
        let Some(node) = self.found(at) else {
            return Request::Lookup {
                below: (at != At::Home).then_some(at),
                path: "/".to_owned(),
            };
        };
        let levels = (pick.0 >> 8) as usize % 5;
        let way: Vec<Key> = self.model.up(node.key).collect();
        let top = levels.min(way.len() - 1);
        let mut names: Vec<&str> = way[..top]
            .iter()
            .map(|key| self.model.nodes[key].name.as_str())
            .collect();
        names.reverse();
        let path = format!("/{}", names.join("/"));
        Request::Lookup {
            below: (home(self.user) != Some(way[top])).then_some(At::Id(way[top])),
            path: if pick.0 & 64 == 0 {
                path
            } else {
                path.to_uppercase()
            },
        }
    }
}
