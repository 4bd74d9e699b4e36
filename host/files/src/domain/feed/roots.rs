//! What an account sees by itself: as it was told, and as it is now.

use super::{Root, Roots, TREES_MAX, Tree};
use crate::domain::access::NodeRole;
use crate::domain::lineage::Lineage;
use crate::error::Refusal;
use bitvault_platform::ids::{AccountId, NodeId};
use bitvault_proto::v1::ChangeCause;
use std::cmp::Reverse;
use std::collections::HashSet;

/// What became of the roots.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) roots: Roots,
    /// Out of sight, with the reason; of what is not there any more, nobody can tell whether it was seen to the end.
    pub(crate) gone: Vec<(NodeId, ChangeCause)>,
    /// Seen from above now, with another role.
    pub(crate) trees: Vec<Tree>,
    /// Anything is another thing than before, or was not dealt with yet.
    pub(crate) changed: bool,
}

/// Compares the roots as they were told with those that the account has now: `candidates` are its home and what it was given
/// roles on, and the lineage knows these and the former ones. Those to be walked are of this new `round`. At most `most` are
/// found gone at a time; what is left over stays for the next look.
pub(crate) fn turn(
    known: &Roots,
    candidates: &[NodeId],
    lineage: &mut Lineage,
    account: AccountId,
    head: i64,
    round: i64,
    most: usize,
) -> Turn {
    let mut next = Vec::with_capacity(candidates.len());
    let mut seen = HashSet::with_capacity(candidates.len());
    for node in candidates {
        let Some(role) = visible(lineage, account, *node) else {
            continue;
        };
        if !seen.insert(*node) {
            continue;
        }
        next.push(match known.get(*node) {
            Some(root) if root.role == role => *root,
            Some(root) => Root { role, round, ..*root },
            None => Root {
                node: *node,
                role,
                since: head,
                round,
            },
        });
    }
    let (mut gone, mut trees) = (Vec::new(), Vec::new());
    for root in known.list().iter().filter(|root| !seen.contains(&root.node)) {
        if gone.len() >= most || trees.len() >= TREES_MAX {
            next.push(*root);
            continue;
        }
        match visible(lineage, account, root.node) {
            Some(role) if role == root.role => {}
            Some(_) => trees.push(Tree::new(lineage, account, root.node, ChangeCause::AccessChanged)),
            None => gone.push((root.node, why(lineage, account, root.node))),
        }
    }
    let anew: Vec<NodeId> = gone.iter().map(|(node, _)| *node).collect();
    tell_below(&mut next, &trees, &anew, lineage, round);
    let changed = !gone.is_empty() || !trees.is_empty() || next != known.list();
    Turn {
        roots: Roots::new(next),
        gone,
        trees,
        changed,
    }
}

/// The account's role on a node that it sees.
fn visible(lineage: &mut Lineage, account: AccountId, node: NodeId) -> Option<NodeRole> {
    lineage
        .require(account, node, NodeRole::Viewer, Refusal::NodeNotFound)
        .ok()?;
    lineage.role(account, node)
}

/// Why a node is out of sight, as far as it tells itself: it is in the trash only for who would see it otherwise.
pub(super) fn why(lineage: &Lineage, account: AccountId, node: NodeId) -> ChangeCause {
    if lineage.any(node).is_none() {
        ChangeCause::Deleted
    } else if lineage.role(account, node).is_some() {
        ChangeCause::Trashed
    } else {
        ChangeCause::AccessLost
    }
}

/// Lets roots be told anew that are below what is walked, as the folders that they are in came into sight, and those below
/// what is `lost`, which the reader takes out with all below it. Those that a walk comes past anyway are left to it.
///
/// Sorted so that a walk tells a folder before what is in it.
pub(super) fn tell_below(roots: &mut [Root], trees: &[Tree], lost: &[NodeId], lineage: &Lineage, round: i64) {
    let walked: HashSet<NodeId> = roots
        .iter()
        .filter(|root| root.round == round)
        .map(|root| root.node)
        .chain(trees.iter().map(|tree| tree.node))
        .chain(lost.iter().copied())
        .collect();
    if !walked.is_empty() {
        for root in roots.iter_mut().filter(|root| root.round != round) {
            if lineage.up(root.node).skip(1).any(|above| walked.contains(&above)) {
                root.round = round;
            }
        }
        let tops = roots.iter().filter(|root| root.round == round).map(|root| Tree {
            node: root.node,
            owned: root.role == NodeRole::Owner,
            cause: ChangeCause::AccessGiven,
        });
        let tops: Vec<Tree> = tops.chain(trees.iter().copied()).collect();
        let nodes: HashSet<NodeId> = tops.iter().map(|tree| tree.node).collect();
        for root in roots.iter_mut().filter(|root| root.round == round) {
            let above = lineage.up(root.node).skip(1).find(|above| nodes.contains(above));
            let nearest = above.and_then(|above| tops.iter().find(|tree| tree.node == above));
            if nearest.is_some_and(|tree| tree.covers(lineage, root.node, Some(root.role))) {
                root.round = 0;
            }
        }
    }
    roots.sort_by_cached_key(|root| (lineage.up(root.node).count(), Reverse(root.role), root.node));
}
