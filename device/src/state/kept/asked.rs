//! What the server was asked for, as long as its answer is not known.

use bitvault_planner::{NameRules, Operation};

use super::Kept;

impl Kept {
    /// The server is about to be asked for this.
    pub fn asking(&mut self, operation: &Operation) {
        if let Some((local, at)) = self.trees.asked_by(operation) {
            self.asked.insert(local, at);
            self.asked_changed = true;
        }
    }

    /// The server has answered to this, whatever it said.
    pub fn answered(&mut self, operation: &Operation) {
        if let Some((local, _)) = self.trees.asked_by(operation) {
            self.asked_changed |= self.asked.remove(&local).is_some();
        }
    }

    /// The journal was read: what was sent or asked for and is there is noted. Of what it does not tell nothing came.
    pub fn arrived(&mut self, names: &NameRules) {
        for (node, local) in self.trees.arrived(&self.asked, names) {
            self.touch(node, local);
            self.note_aside(local, None);
        }
        self.forget_asked();
    }

    pub(super) fn forget_asked(&mut self) {
        self.asked_changed |= !self.asked.is_empty();
        self.asked.clear();
    }
}
