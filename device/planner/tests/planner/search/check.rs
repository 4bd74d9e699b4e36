//! The invariants, once all is at rest.

use std::collections::{BTreeMap, BTreeSet};

use bitvault_planner::{Name, NodeId};

use crate::model::{Device, Disk, Payload, Server};
use crate::search::world::World;

type View = BTreeMap<Vec<Name>, Option<Payload>>;

/// All of them.
pub(crate) fn all(world: &World) {
    let server = view(&world.server, |_| true);
    for device in &world.devices {
        agreement(&world.server, device);
    }
    no_loss(world, &server);
    if !world.has_lost_state {
        no_multiplying(world, &server);
    }
    no_twins(&server);
    no_return(world, &server);
    let setting = world.setting;
    if setting.disk == 0 || (setting.web == 0 && setting.devices == 1) {
        assert_eq!(world.conflicts, 0, "a needless conflict");
    }
}

/// What was replaced or deleted does not come back, unless it was deleted where it may not be, left out or ignored, or a
/// device does not know what it did.
fn no_return(world: &World, server: &View) {
    let setting = world.setting;
    if setting.loses_answers
        || world.has_lost_state
        || setting.unsynced + setting.rights + setting.excludes > 0
    {
        return;
    }
    for payload in server.values().flatten() {
        let is_superseded = world.deeds.superseded.contains(payload) && world.deeds.written[payload] == 1;
        assert!(!is_superseded, "content {payload} came back: {server:?}");
    }
}

/// At rest, local = remote = synced, but for what the device leaves out and for what it tells as a problem.
fn agreement(server: &Server, device: &Device) {
    let name = &device.policy.device;
    let excluded: BTreeSet<NodeId> = device
        .policy
        .excluded
        .iter()
        .flat_map(|id| server.below(*id))
        .collect();
    let wanted = view(server, |id| !excluded.contains(&id));
    let plan = device.plan();
    assert_eq!(plan.pauses, [], "{name} pauses");
    if !plan.problems.is_empty() {
        return;
    }
    assert_eq!(composed(device.view()), wanted, "{name} differs from the server");
    assert_eq!(
        device.trees.synced.len(),
        wanted.len(),
        "{name} agreed on something else"
    );
    let tombstones = device.trees.remote.tombstones();
    let needed = tombstones.filter(|(node, _)| device.trees.synced.get(*node).is_some());
    assert_eq!(needed.count(), 0, "{name} has not done what a tombstone tells");
}

/// Every content that nobody knowingly replaced or deleted is in the tree, or, if it can't be there, on the device that
/// tells so. That is more than the design asks for, which is content with the history and the trash.
fn no_loss(world: &World, server: &View) {
    let mut live: BTreeSet<Payload> = server.values().flatten().copied().collect();
    for device in &world.devices {
        if !device.plan().problems.is_empty() || world.deeds.has_unsynced {
            live.extend(device.disk.payloads(Disk::ROOT));
            live.extend(&device.trash);
        }
    }
    for payload in world.deeds.written.keys() {
        // What two people wrote alike may be taken for the old content that it equals.
        if !world.deeds.superseded.contains(payload) && world.deeds.written[payload] == 1 {
            assert!(
                live.contains(payload),
                "content {payload} is lost; left is {server:?}"
            );
        }
    }
}

/// A content is in the tree at most as often as it was written.
fn no_multiplying(world: &World, server: &View) {
    let mut seen: BTreeMap<Payload, usize> = BTreeMap::new();
    for payload in server.values().flatten() {
        *seen.entry(*payload).or_default() += 1;
    }
    for (payload, times) in seen {
        let Some(written) = world.deeds.written.get(&payload) else {
            continue;
        };
        let written = written + world.deeds.repeated.get(&payload).unwrap_or(&0);
        assert!(
            times <= written,
            "content {payload} is there {times} times: {server:?}"
        );
    }
}

fn no_twins(server: &View) {
    let keys: BTreeSet<(Vec<Name>, String)> = server
        .keys()
        .filter_map(|path| path.split_last())
        .map(|(name, folder)| (folder.to_vec(), name.key()))
        .collect();
    assert_eq!(keys.len(), server.len(), "two nodes have one name: {server:?}");
}

fn composed(view: View) -> View {
    let composed = |path: Vec<Name>| path.iter().map(Name::composed).collect();
    view.into_iter()
        .map(|(path, content)| (composed(path), content))
        .collect()
}

/// The tree of the server, as far as it is wanted.
pub(crate) fn view(server: &Server, is_wanted: impl Fn(NodeId) -> bool) -> View {
    let mut view = View::new();
    for id in server.live().into_iter().filter(|id| is_wanted(*id)) {
        let mut path = Vec::new();
        let mut at = server.get(id);
        while let Some(node) = at.filter(|node| node.parent.is_some()) {
            path.insert(0, node.name.composed());
            at = node.parent.and_then(|parent| server.get(parent));
        }
        view.insert(path, server.payload(id));
    }
    view
}
