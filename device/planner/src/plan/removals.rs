//! What can be removed as a whole: parents last, and with everything below them at once.

use crate::operation::{Pause, Side};
use crate::plan::merged::{Fate, Merged, ROOT, Slot};

/// What goes from each side, by slot.
#[derive(Debug)]
pub(super) struct Removals {
    remote: Vec<bool>,
    local: Vec<bool>,
    pub(super) pauses: Vec<Pause>,
}

impl Removals {
    /// Finds what can go now.
    pub(super) fn find(merged: &Merged<'_>) -> Self {
        let remote = guard(merged, Side::Remote);
        let local = guard(merged, Side::Local);
        Self {
            remote: whole(merged, Side::Remote, remote.is_some()),
            local: whole(merged, Side::Local, local.is_some()),
            pauses: remote.into_iter().chain(local).collect(),
        }
    }

    /// Whether the node, with all below it, can go from the side now.
    pub(super) fn goes(&self, side: Side, slot: Slot) -> bool {
        match side {
            Side::Remote => self.remote[slot],
            Side::Local => self.local[slot],
        }
    }
}

/// Whether the node itself is to go from the side.
pub(super) fn is_to_go(merged: &Merged<'_>, side: Side, slot: Slot) -> bool {
    match side {
        Side::Remote => merged.nodes[slot].fate == Fate::DeleteRemote,
        Side::Local => merged.nodes[slot].fate == Fate::DeleteLocal || leaves(merged, slot),
    }
}

/// Whether selective sync takes it from the device: nothing of it is to be brought to the server any more.
pub(super) fn leaves(merged: &Merged<'_>, slot: Slot) -> bool {
    let node = &merged.nodes[slot];
    let (Some(remote), Some(entry), Some(synced)) = (node.remote, node.local, node.synced) else {
        return false;
    };
    let content = |kind: crate::RemoteKind| kind.content().map(|content| content.sha256);
    let is_kept_there = entry.content == content(remote.kind) || entry.content == content(synced.kind);
    node.excluded
        && node.fate == Fate::Keep
        && !node.forget
        && !merged.is_misplaced_there(slot)
        && (node.is_folder() || is_kept_there)
}

fn guard(merged: &Merged<'_>, side: Side) -> Option<Pause> {
    let guard = merged.policy.guard;
    let (fate, before, agreed) = match side {
        Side::Remote => (Fate::DeleteRemote, guard.before_remote, guard.agreed_remote),
        Side::Local => (Fate::DeleteLocal, guard.before_local, guard.agreed_local),
    };
    let deletes = merged.nodes.iter().filter(|node| node.fate == fate).count();
    let synced = merged.synced.len();
    let (lost, had) = (deletes + before, synced + before);
    let is_much = lost * 2 > had || lost > guard.many && lost * 100 > had * guard.percent;
    (deletes > 0 && is_much && lost > guard.few && deletes > agreed).then_some(Pause::MassDelete {
        side,
        deletes,
        synced,
    })
}

/// Children are looked at before their folder: folders that are to go are walked down once.
fn whole(merged: &Merged<'_>, side: Side, is_paused: bool) -> Vec<bool> {
    let mut goes = vec![false; merged.nodes.len()];
    let mut done = vec![false; merged.nodes.len()];
    for top in 1..merged.nodes.len() {
        let mut walk = vec![(top, false)];
        while let Some((slot, are_children_done)) = walk.pop() {
            if done[slot] {
                continue;
            }
            let is_delete = merged.nodes[slot].fate == Fate::DeleteLocal || side == Side::Remote;
            if slot == ROOT || !is_to_go(merged, side, slot) || (is_delete && is_paused) {
                done[slot] = true;
            } else if are_children_done {
                done[slot] = true;
                // What leaves goes first and by itself: its binding has to end before, that of what is gone must not.
                let goes_along = |child: Slot| {
                    goes[child] && (side == Side::Remote || leaves(merged, slot) || !leaves(merged, child))
                };
                goes[slot] = children(merged, side, slot)
                    .into_iter()
                    .all(|child| child.is_none_or(goes_along));
            } else {
                walk.push((slot, true));
                let below = children(merged, side, slot).into_iter().flatten();
                walk.extend(below.map(|child| (child, false)));
            }
        }
    }
    goes
}

/// What the side really has in the folder: the slots, and `None` for what is never synced. A file that all agree on can't
/// be in a folder that is to go; it would keep it.
pub(super) fn children(merged: &Merged<'_>, side: Side, slot: Slot) -> Vec<Option<Slot>> {
    let node = &merged.nodes[slot];
    match (side, node.remote, node.local) {
        (Side::Remote, Some(node), _) => merged
            .remote
            .children(node.id)
            .map(|child| Some(merged.by_node.get(&child.id).copied().unwrap_or(ROOT)))
            .collect(),
        (Side::Local, _, Some(entry)) => merged
            .local
            .children(entry.id)
            .map(|child| {
                let is_unsynced = merged.unsynced.contains(&child.id);
                let slot = merged.by_local.get(&child.id).copied();
                (!is_unsynced || slot.is_some()).then(|| slot.unwrap_or(ROOT))
            })
            .collect(),
        _ => Vec::new(),
    }
}
