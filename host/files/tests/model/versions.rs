//! What the model says of old versions.

use crate::model::{Key, Model, Reason, Role, User, Version};
use crate::request::{At, View};

impl Model {
    /// A version like an old one, with the same bytes. The current one again is nothing new.
    pub(crate) fn restore_version(
        &mut self,
        key: Key,
        user: User,
        file: At,
        version: Key,
        seen: Option<i64>,
    ) -> Result<View, Reason> {
        let file = self.at(user, file)?;
        let node = self.require(user, file, Role::Editor, "node_not_found")?;
        let current = node.versions.last().ok_or("not_a_file")?;
        if seen.is_some_and(|seen| seen != node.revision) {
            return Err("revision_conflict");
        }
        if current.key == version {
            return Ok(self.view(file));
        }
        let old = node.versions.iter().find(|old| old.key == version);
        let new = Version {
            key,
            ..old.ok_or("version_not_found")?.clone()
        };
        self.unless_outgrown(|model| {
            if let Some(node) = model.nodes.get_mut(&file) {
                node.versions.push(new);
                node.revision += 1;
            }
            model.record("updated", file, Some(key), user);
            Ok(model.view(file))
        })
    }

    /// The node does not change by it, so the journal says nothing.
    pub(crate) fn delete_version(&mut self, user: User, file: At, version: Key) -> Result<(), Reason> {
        let file = self.at(user, file)?;
        let node = self.require(user, file, Role::Owner, "node_not_found")?;
        if node.versions.last().is_some_and(|current| current.key == version) {
            return Err("version_current");
        }
        let at = node.versions.iter().position(|old| old.key == version);
        let at = at.ok_or("version_not_found")?;
        if let Some(node) = self.nodes.get_mut(&file) {
            node.versions.remove(at);
        }
        Ok(())
    }
}
