//! Deletes that follow each other: to the guard they are one, in however many rounds they come.

use std::time::Duration;

use bitvault_planner::{DownloadTo, Operation, RemoveWhy, UploadTo};
use time::OffsetDateTime;

/// Deletes that come within this time after others belong to them.
const APART: Duration = Duration::from_secs(60);

/// What was deleted of late, beyond what was made anew meanwhile: a folder whose files are renewed all the time loses nothing.
#[derive(Debug, Default)]
pub(super) struct Spree {
    remote: usize,
    local: usize,
    last: Option<OffsetDateTime>,
}

impl Spree {
    /// An operation was carried out.
    pub(super) fn did(&mut self, operation: &Operation, now: OffsetDateTime) {
        let deleted = match operation {
            Operation::DeleteRemote { covers, .. } => (covers.len(), 0),
            Operation::RemoveLocal {
                covers,
                why: RemoveWhy::Gone,
                ..
            } => (0, covers.len()),
            Operation::CreateRemoteFolder { .. }
            | Operation::CreateLocalFolder { .. }
            | Operation::Upload {
                to: UploadTo::New { .. },
                ..
            }
            | Operation::Download {
                to: DownloadTo::New { .. },
                ..
            } => {
                self.remote = self.remote.saturating_sub(1);
                self.local = self.local.saturating_sub(1);
                return;
            }
            _ => return,
        };
        let (remote, local) = self.of_late(now);
        *self = Self {
            remote: remote + deleted.0,
            local: local + deleted.1,
            last: Some(now),
        };
    }

    /// How many nodes deletes that come now go on with: on the server, and on the device.
    pub(super) fn of_late(&self, now: OffsetDateTime) -> (usize, usize) {
        // A clock that jumped back tells nothing; then they count.
        match self.last {
            Some(last) if now - last < APART => (self.remote, self.local),
            _ => (0, 0),
        }
    }

    /// A person agreed to what was deleted.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use bitvault_planner::NodeId;

    use super::*;

    fn deletes(count: usize) -> Operation {
        let node = NodeId(uuid::Uuid::from_u128(1));
        Operation::DeleteRemote {
            node,
            revision: 1,
            covers: vec![(node, 1); count],
        }
    }

    #[test]
    fn deletes_within_a_minute_of_each_other_are_one() {
        let mut spree = Spree::default();
        let at = |seconds| OffsetDateTime::UNIX_EPOCH + Duration::from_secs(seconds);
        spree.did(&deletes(3), at(0));
        spree.did(&deletes(2), at(59));
        assert_eq!(spree.of_late(at(118)), (5, 0));
        assert_eq!(spree.of_late(at(119)), (0, 0));
        spree.did(&deletes(1), at(200));
        assert_eq!(spree.of_late(at(200)), (1, 0));
        spree.end();
        assert_eq!(spree.of_late(at(200)), (0, 0));
    }
}
