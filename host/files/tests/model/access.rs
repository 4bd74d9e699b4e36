//! What the model says of grants, inheritance and the group.

use crate::model::{ADMIN, Model, ROOT, Reason, Role, SPACE, Subject, User, home};
use crate::request::{Answer, At, View};
use std::collections::BTreeSet;

impl Model {
    pub(crate) fn put_grant(
        &mut self,
        user: User,
        node: At,
        subject: Subject,
        role: Role,
    ) -> Result<Answer, Reason> {
        let key = self.at(user, node)?;
        self.require_sharable(user, key)?;
        let node = self.nodes.get_mut(&key).ok_or("node_not_found")?;
        if node.grants.insert(subject, role) != Some(role) {
            self.record("shared", key, None, user);
        }
        Ok(Answer::Done)
    }

    /// Anybody may give up its own.
    pub(crate) fn delete_grant(&mut self, user: User, node: At, subject: Subject) -> Result<Answer, Reason> {
        let key = self.at(user, node)?;
        if subject == Subject::User(user) {
            self.require(user, key, Role::Viewer, "node_not_found")?;
        } else {
            self.require_sharable(user, key)?;
        }
        let node = self.nodes.get_mut(&key).ok_or("node_not_found")?;
        node.grants.remove(&subject).ok_or("grant_not_found")?;
        self.record("shared", key, None, user);
        Ok(Answer::Done)
    }

    pub(crate) fn set_inheritance(&mut self, user: User, node: At, inherits: bool) -> Result<Answer, Reason> {
        let key = self.at(user, node)?;
        self.require_sharable(user, key)?;
        let node = self.nodes.get(&key).ok_or("node_not_found")?;
        if node.is_top() {
            return Err("root_fixed");
        }
        if node.inherits != inherits {
            self.change("shared", key, user, |node| node.inherits = inherits);
        }
        Ok(Answer::Done)
    }

    /// The grants that count on a node: everybody who sees it may see them, and who may share it.
    pub(crate) fn list_grants(&self, user: User, node: At) -> Result<Answer, Reason> {
        let key = self.at(user, node)?;
        if let Err(reason) = self.require(user, key, Role::Viewer, "node_not_found") {
            self.require_sharable(user, key).map_err(|_| reason)?;
        }
        let mut grants = BTreeSet::new();
        let mut cut = false;
        for at in self.up(key).filter(|at| *at != ROOT) {
            let node = &self.nodes[&at];
            let given = node.grants.iter().map(|(subject, role)| (at, *subject, *role));
            grants.extend(given.filter(|(_, _, role)| !cut || *role == Role::Owner));
            cut |= !node.inherits;
        }
        Ok(Answer::Grants {
            grants,
            inherits: self.nodes[&key].inherits,
            role: self.role(user, key),
        })
    }

    pub(crate) fn put_member(&mut self, user: User, member: User) -> Result<Answer, Reason> {
        if user != ADMIN {
            return Err("admin_only");
        }
        if self.members.insert(member) {
            // Somebody sees other nodes: told of the root.
            self.record("shared", ROOT, None, user);
        }
        Ok(Answer::Done)
    }

    /// Anybody may leave.
    pub(crate) fn delete_member(&mut self, user: User, member: User) -> Result<Answer, Reason> {
        if user != ADMIN && user != member {
            return Err("admin_only");
        }
        if !self.members.remove(&member) {
            return Err("group_member_not_found");
        }
        self.record("shared", ROOT, None, user);
        Ok(Answer::Done)
    }

    /// What others have shared with a user, in no order: live nodes that carry a grant to it or to its group, but for its
    /// own and for tops.
    pub(crate) fn shared(&self, user: User) -> Vec<(View, Role)> {
        let given = self.nodes.values().filter(|node| self.is_given(user, node.key));
        let shown = given.filter(|node| {
            let own = home(user).is_some_and(|home| self.within(node.key, home));
            !own && !node.is_top() && self.live(node.key)
        });
        shown
            .filter_map(|node| Some((self.view(node.key), self.role(user, node.key)?)))
            .collect()
    }

    /// Whether the user sees the space among the spaces.
    pub(crate) fn sees_space(&self, user: User) -> bool {
        self.is_given(user, SPACE)
    }

    fn is_given(&self, user: User, key: u32) -> bool {
        self.nodes[&key].grants.keys().any(|subject| match subject {
            Subject::User(to) => *to == user,
            Subject::Group => self.members.contains(&user),
        })
    }
}
