//! What the model says of the trash.

use crate::model::{Key, Model, NOBODY, ROOT, Reason, Role, Trashed, User, fold, home};
use crate::request::{At, Place, Remove, TrashView, View};

impl Model {
    pub(crate) fn delete(&mut self, user: User, item: &Remove) -> Result<(), Reason> {
        let key = self.at(user, item.node)?;
        let needs = if item.permanent { Role::Owner } else { Role::Editor };
        let node = self.permit(user, key, needs, "node_not_found")?;
        let (trashed, revision) = (node.trashed.is_some(), node.revision);
        if node.is_top() {
            return Err("root_fixed");
        }
        let folder = node.parent.unwrap_or(ROOT);
        self.permit(user, folder, Role::Editor, "folder_not_yours")?;
        if item.revision.is_some_and(|seen| seen != revision) {
            return Err("revision_conflict");
        }
        match (item.permanent, trashed) {
            (true, true) => {
                self.remove(key, user);
                Ok(())
            }
            (true, false) => Err("not_in_trash"),
            (false, true) => Ok(()),
            (false, false) if !self.live(key) => Err("node_not_found"),
            (false, false) => {
                let trashed = Trashed {
                    at: self.now,
                    by: user,
                    tree: self.tree(key),
                };
                self.change("trashed", key, user, |node| node.trashed = Some(trashed));
                Ok(())
            }
        }
    }

    pub(crate) fn restore(&mut self, user: User, item: &Place) -> Result<View, Reason> {
        let key = self.at(user, item.node)?;
        let parent = item.parent.map(|parent| self.at(user, parent)).transpose()?;
        let node = self.permit(user, key, Role::Editor, "node_not_found")?;
        if node.is_top() {
            return Err("root_fixed");
        }
        let from = node.parent.unwrap_or(ROOT);
        let (own, revision) = (node.name.clone(), node.revision);
        if self.live(key) {
            let elsewhere = parent.is_some_and(|parent| parent != from);
            let renamed = item.name.is_some_and(|name| fold(name) != fold(&own));
            return if elsewhere || renamed {
                Err("not_in_trash")
            } else {
                Ok(self.view(key))
            };
        }
        if item.revision.is_some_and(|seen| seen != revision) {
            return Err("revision_conflict");
        }
        let folder = match parent {
            Some(parent) => {
                self.require_folder(user, parent)?;
                if parent != from {
                    self.permit(user, from, Role::Editor, "folder_not_yours")?;
                }
                parent
            }
            None => [from, self.tree(key)]
                .into_iter()
                .find(|place| self.require_folder(user, *place).is_ok())
                .ok_or("no_place_left")?,
        };
        let name = match item.name {
            Some(name) if self.holder(folder, name).is_some() => return Err("name_taken"),
            Some(name) => name.to_owned(),
            None => self.free_name(folder, &own, self.nodes[&key].is_folder(), "restored"),
        };
        self.unless_outgrown(|model| {
            model.change("restored", key, user, |node| {
                node.parent = Some(folder);
                node.name = name;
                node.trashed = None;
            });
            Ok(model.view(key))
        })
    }

    /// The name itself, or the first of `x (restored)`, `x (restored 2)` … that is free.
    pub(crate) fn free_name(&self, folder: Key, name: &str, is_folder: bool, mark: &str) -> String {
        let (stem, extension) = match name.rfind('.') {
            Some(dot) if !is_folder && dot > 0 => name.split_at(dot),
            _ => (name, ""),
        };
        let numbered = (2..).map(|number| format!("{stem} ({mark} {number}){extension}"));
        let first = [name.to_owned(), format!("{stem} ({mark}){extension}")];
        let mut names = first.into_iter().chain(numbered);
        names
            .find(|name| self.holder(folder, name).is_none())
            .unwrap_or_default()
    }

    /// The folder to look into and the tree that it is in; the caller's home when nothing is named.
    fn scope(&self, user: User, within: Option<At>, role: Role) -> Result<(Key, Key), Reason> {
        let folder = self.at(user, within.unwrap_or(At::Home))?;
        if !self.permit(user, folder, role, "node_not_found")?.is_folder() {
            return Err("not_a_folder");
        }
        Ok((folder, self.tree(folder)))
    }

    /// What is in the trash there by itself, the latest first, as far as the user has the role.
    fn trash(&self, user: User, (folder, tree): (Key, Key), role: Role) -> Vec<(u64, Key)> {
        let thrown = self
            .nodes
            .values()
            .filter_map(|node| Some((node.key, node.trashed.as_ref()?)));
        let here = thrown.filter(|(key, trashed)| {
            let inside = folder == tree || (*key != folder && self.within(*key, folder));
            trashed.tree == tree && inside && self.role(user, *key) >= Some(role)
        });
        let mut found: Vec<(u64, Key)> = here.map(|(key, trashed)| (trashed.at, key)).collect();
        found.sort();
        found.reverse();
        found
    }

    pub(crate) fn list_trash(&self, user: User, within: Option<At>) -> Result<Vec<TrashView>, Reason> {
        let scope = self.scope(user, within, Role::Viewer)?;
        let items = self
            .trash(user, scope, Role::Editor)
            .into_iter()
            .map(|(at, key)| {
                let way = self.origin(user, key);
                TrashView {
                    at,
                    view: self.view(key),
                    by: self.nodes[&key].trashed.as_ref().map_or(0, |trashed| trashed.by),
                    origin: way.last().copied(),
                    path: self.path(user, &way),
                }
            });
        Ok(items.collect())
    }

    /// The folders that a node was in, from the topmost one that the user may see without a gap.
    fn origin(&self, user: User, key: Key) -> Vec<Key> {
        let above = self.up(key).skip(1);
        let seen = above.take_while(|at| *at != ROOT && self.role(user, *at).is_some());
        let mut way: Vec<Key> = seen.collect();
        way.reverse();
        way
    }

    fn path(&self, user: User, way: &[Key]) -> Option<String> {
        let own = home(user);
        match way {
            [] => None,
            [top] if own == Some(*top) => Some("/".to_owned()),
            way => {
                // Nobody else's home has a name.
                let named = way
                    .iter()
                    .filter(|key| own == Some(**key) || !self.nodes[key].name.is_empty());
                let names: Vec<&str> = named.map(|key| self.nodes[key].name.as_str()).collect();
                (!names.is_empty()).then(|| names.join("/"))
            }
        }
    }

    /// Removes what is in the trash there, as far as the user may; answers how many nodes are gone.
    pub(crate) fn empty_trash(&mut self, user: User, within: Option<At>) -> Result<u64, Reason> {
        let scope = self.scope(user, within, Role::Owner)?;
        let before = self.nodes.len();
        for (_, key) in self.trash(user, scope, Role::Owner) {
            let item = Remove {
                node: At::Id(key),
                permanent: true,
                revision: None,
            };
            // Some of them stay, as when the folder that they are in is somebody else's.
            let _ = self.delete(user, &item);
        }
        Ok((before - self.nodes.len()) as u64)
    }

    /// The server removes all that is in the trash for good.
    pub(crate) fn purge(&mut self) {
        while let Some(node) = self.nodes.values().find(|node| node.trashed.is_some()) {
            self.remove(node.key, NOBODY);
        }
    }
}
