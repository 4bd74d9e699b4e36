//! Tells an entry of the journal from any other that stands, or stood, under its number: after a restore of the database to an
//! older state, numbers are given out again.

use super::entries::Entry;
use crate::domain::change_kind::ChangeKind;
use bitvault_platform::ids::NodeId;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

/// Enough against chance. Nobody can choose it: it is read from cursors, which are authenticated.
const BYTES: usize = 8;

/// Of an entry, by what never changes in it and no other has. Times are as the database keeps them, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; BYTES]);

impl Fingerprint {
    pub(crate) fn new(node: NodeId, kind: ChangeKind, at: OffsetDateTime) -> Self {
        let micros = at.unix_timestamp_nanos() / 1000;
        let digest = Sha256::new()
            .chain_update(node.0.as_bytes())
            .chain_update(micros.to_be_bytes())
            .chain_update(kind.name())
            .finalize();
        let mut bytes = [0; BYTES];
        bytes.copy_from_slice(&digest[..BYTES]);
        Self(bytes)
    }

    pub(crate) fn of(entry: &Entry) -> Self {
        Self::new(entry.node, entry.kind, entry.at)
    }

    /// As it stands in a state; `None` when that tells none.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn write(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_an_entry_counts_and_what_the_database_does_not_keep_does_not() {
        let (node, at) = (NodeId::new(), OffsetDateTime::UNIX_EPOCH);
        let one = Fingerprint::new(node, ChangeKind::Moved, at);
        assert_eq!(Fingerprint::read(&one.write()), Some(one));
        assert_eq!(Fingerprint::read(b""), None);
        let later =
            |nanos| Fingerprint::new(node, ChangeKind::Moved, at + time::Duration::nanoseconds(nanos));
        assert_eq!(one, later(999));
        for other in [
            later(1000),
            Fingerprint::new(node, ChangeKind::Updated, at),
            Fingerprint::new(NodeId::new(), ChangeKind::Moved, at),
        ] {
            assert_ne!(one, other);
        }
    }
}
