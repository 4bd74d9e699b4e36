//! What the model says of copies.
//!
//! A copy goes by the number of its step, and what is in it by numbers made of that and its place, folders before what is in
//! them and in the order of the names: so both sides number it the same.

use crate::model::{Key, Model, Node, Reason, Role, User, Version, fold};
use crate::request::{At, View};

/// Steps and copied nodes are numbered below and above it.
const COPIED: Key = 1_000_000;
/// More than a copy has nodes.
const SPREAD: Key = 100;

/// The number of the node that a copy holds at a place, the top being 0.
pub(crate) fn copied(step: Key, place: usize) -> Key {
    match place {
        0 => step,
        _ => COPIED + step * SPREAD + place as Key,
    }
}

/// Whether a node was made together with others.
pub(crate) fn is_copied(key: Key) -> bool {
    key > COPIED
}

impl Model {
    /// How many nodes a tree has.
    pub(crate) fn size(&self, key: Key) -> usize {
        1 + self.children(key).map(|node| self.size(node.key)).sum::<usize>()
    }

    /// What the user sees of a tree, current versions only.
    pub(crate) fn copy(
        &mut self,
        key: Key,
        user: User,
        node: At,
        parent: At,
        name: Option<&str>,
    ) -> Result<View, Reason> {
        let (source, parent) = (self.at(user, node)?, self.at(user, parent)?);
        self.require(user, source, Role::Viewer, "node_not_found")?;
        self.require_folder(user, parent)?;
        if self.within(parent, source) {
            return Err("into_itself");
        }
        let own = &self.nodes[&source];
        let name = match name {
            Some(name) if self.holder(parent, name).is_some() => return Err("name_taken"),
            Some(name) => name.to_owned(),
            None if own.name.is_empty() => return Err("name_invalid"),
            None => self.free_name(parent, &own.name, own.is_folder(), "copy"),
        };
        self.unless_outgrown(|model| {
            let mut open = vec![(source, parent, name)];
            let mut place = 0;
            while let Some((source, parent, name)) = open.pop() {
                let made = copied(key, place);
                place += 1;
                model.copy_one(source, made, parent, &name, user);
                let inside = model.children(source).filter(|node| node.trashed.is_none());
                let seen = inside.filter(|node| model.role(user, node.key).is_some());
                let mut seen: Vec<(Key, Key, String)> =
                    seen.map(|node| (node.key, made, node.name.clone())).collect();
                seen.sort_by_key(|(_, _, name)| std::cmp::Reverse(fold(name)));
                open.extend(seen);
            }
            Ok(model.view(key))
        })
    }

    fn copy_one(&mut self, source: Key, key: Key, parent: Key, name: &str, user: User) {
        let current = self.nodes[&source].versions.last();
        let version = current.map(|version| Version {
            key,
            ..version.clone()
        });
        let told = version.as_ref().map(|version| version.key);
        let mut node = Node::folder(key, Some(parent), name);
        node.versions.extend(version);
        self.nodes.insert(key, node);
        self.record("created", key, told, user);
    }
}
