//! The invariants, once all is at rest.

use std::collections::{BTreeMap, BTreeSet};

use bitvault_planner::Name;

use crate::model::{Payload, Server};
use crate::search::World;

type View = BTreeMap<Vec<Name>, Option<Payload>>;

/// All of them.
pub(crate) fn all(world: &World) {
    let server = view(&world.server);
    agreement(world, &server);
    no_loss(world, &server);
    no_multiplying(world, &server);
    no_twins(&server);
}

/// At rest, local = remote = synced on every device.
fn agreement(world: &World, server: &View) {
    for device in &world.devices {
        let name = &device.policy.device;
        assert_eq!(&composed(device.view()), server, "{name} differs from the server");
        let plan = device.plan();
        assert_eq!(plan.problems, [], "{name} has problems");
        assert_eq!(plan.pauses, [], "{name} pauses");
        assert_eq!(
            device.trees.synced.len(),
            server.len(),
            "{name} agreed on something else"
        );
        assert_eq!(
            device
                .trees
                .remote
                .tombstones()
                .filter(|(node, _)| device.trees.synced.get(*node).is_some())
                .count(),
            0
        );
    }
}

/// Every content that nobody knowingly replaced or deleted is in the tree. That is more than the design asks for, which is
/// content with the history and the trash.
fn no_loss(world: &World, server: &View) {
    let live: BTreeSet<Payload> = server.values().flatten().copied().collect();
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
        let written = world.deeds.written[&payload] + world.deeds.repeated.get(&payload).unwrap_or(&0);
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

pub(crate) fn view(server: &Server) -> View {
    let mut view = View::new();
    for id in server.live() {
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
