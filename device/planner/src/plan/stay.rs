//! What stays because of what lies in it or above it.

use crate::plan::merged::{Fate, Merged, ROOT, Slot};

/// A folder that one side deleted stays as long as something is to lie in it: it is made again on that side.
pub(super) fn raise_folders(merged: &mut Merged<'_>) {
    for slot in 1..merged.nodes.len() {
        if merged.nodes[slot].stays() {
            raise_above(merged, slot);
        }
    }
}

fn raise_above(merged: &mut Merged<'_>, slot: Slot) {
    let fate = merged.nodes[slot].fate;
    let mut at = merged.nodes[slot].parent;
    while at != ROOT {
        let folder = &mut merged.nodes[at];
        match (folder.fate, fate) {
            (Fate::DeleteRemote | Fate::DeleteLocal, _) => folder.was_deleted = true,
            (Fate::Wait, Fate::Keep) if folder.was_deleted => {}
            _ => return,
        }
        folder.fate = fate;
        if fate == Fate::Keep {
            merged.forget(at);
        }
        at = merged.nodes[at].parent;
    }
}

/// Marks what selective sync leaves out in the merged tree.
pub(super) fn mark_excluded(merged: &mut Merged<'_>) {
    if merged.policy.excluded.is_empty() {
        return;
    }
    let mut known: Vec<Option<bool>> = vec![None; merged.nodes.len()];
    known[ROOT] = Some(false);
    for slot in 1..merged.nodes.len() {
        let mut chain = Vec::new();
        let mut at = slot;
        while known[at].is_none() {
            chain.push(at);
            at = merged.nodes[at].parent;
        }
        let mut is_excluded = known[at] == Some(true);
        for slot in chain.into_iter().rev() {
            is_excluded |= is_named(merged, slot);
            known[slot] = Some(is_excluded);
        }
    }
    for (slot, is_excluded) in known.into_iter().enumerate() {
        merged.nodes[slot].excluded = is_excluded == Some(true);
    }
}

fn is_named(merged: &Merged<'_>, slot: Slot) -> bool {
    merged.nodes[slot]
        .remote
        .is_some_and(|node| merged.policy.excluded.contains(&node.id))
}
