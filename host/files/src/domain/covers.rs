//! What a deletion covers: nodes at their revisions, told by their hash, so that a tree of any size fits into a request.

use crate::error::Refusal;
use bitvault_platform::ids::NodeId;
use sha2::{Digest as _, Sha256};

/// SHA-256 over a line `ID REVISION` for each node, ended by a line feed, in the order of the ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Covers([u8; 32]);

impl Covers {
    /// What a caller says that it covers.
    pub(crate) fn new(hash: &[u8]) -> Result<Self, Refusal> {
        hash.try_into().map(Self).map_err(|_| Refusal::CoversInvalid)
    }

    /// What covers just these nodes.
    pub(crate) fn of(mut nodes: Vec<(NodeId, i64)>) -> Self {
        nodes.sort_unstable();
        let mut hash = Sha256::new();
        for (id, revision) in nodes {
            hash.update(format!("{id} {revision}\n"));
        }
        Self(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_covered_in_any_order_and_at_their_revisions_only() {
        let [a, b] = [NodeId::new(), NodeId::new()];
        let lines = Sha256::digest(format!("{a} 1\n{b} 12\n"));
        assert_eq!(Covers::new(&lines), Ok(Covers::of(vec![(b, 12), (a, 1)])));
        let both = Covers::of(vec![(a, 1), (b, 12)]);
        for other in [vec![(a, 1)], vec![(a, 11), (b, 2)], vec![(a, 2), (b, 12)]] {
            assert_ne!(Covers::of(other), both);
        }
        assert_eq!(Covers::new(&lines[1..]), Err(Refusal::CoversInvalid));
    }
}
