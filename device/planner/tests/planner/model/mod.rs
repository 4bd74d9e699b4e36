//! A model of all that is around the planner: a server, disks, and devices that carry plans out.
//!
//! It refuses what the real ones refuse and nothing else, so that an operation without its precondition does harm here too.

mod device;
mod disk;
mod mistake;
mod server;

use std::collections::{BTreeMap, BTreeSet};

use bitvault_planner::{Operation, Sha256};

pub(crate) use device::{Device, Mishap};
pub(crate) use disk::{Disk, EntryId};
pub(crate) use mistake::Mistake;
pub(crate) use server::Server;

/// The content of a file: a number that nobody else writes.
pub(crate) type Payload = u32;

/// An operation was not carried out, because what it asks for does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

/// The hash of a content.
pub(crate) fn sha256(payload: Payload) -> Sha256 {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&payload.to_be_bytes());
    Sha256(bytes)
}

fn payload(hash: Sha256) -> Payload {
    let [a, b, c, d, ..] = hash.0;
    Payload::from_be_bytes([a, b, c, d])
}

/// Contents of few different sizes, so that edits often keep the size.
pub(crate) fn size(payload: Payload) -> u64 {
    u64::from(payload % 2) + 1
}

/// What people did: which contents they wrote, and which they replaced or deleted knowingly, by an act on the very file
/// that held them.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    next: Payload,
    pub(crate) written: BTreeMap<Payload, usize>,
    pub(crate) superseded: BTreeSet<Payload>,
    /// Transfers that a device did not live to note. When a person moves the file before it scans, it can't tell it from a
    /// copy that the person made.
    pub(crate) repeated: BTreeMap<Payload, usize>,
    /// Whether there were entries that are never synced. What becomes of those is not the planner's affair, but they reach a
    /// trash at least.
    pub(crate) has_unsynced: bool,
}

impl Deeds {
    /// A content that was never written before.
    pub(crate) fn write(&mut self) -> Payload {
        self.next += 1;
        self.written.insert(self.next, 1);
        self.next
    }

    /// The content that was written last, once more: two people may write the same.
    pub(crate) fn write_again(&mut self) -> Payload {
        if self.next == 0 {
            return self.write();
        }
        *self.written.entry(self.next).or_default() += 1;
        self.superseded.remove(&self.next);
        self.next
    }

    pub(crate) fn repeat(&mut self, operation: &Operation) {
        let hash = match operation {
            Operation::Download { content, .. } => content.sha256,
            Operation::Upload { sha256, .. } => *sha256,
            _ => return,
        };
        *self.repeated.entry(payload(hash)).or_default() += 1;
    }

    pub(crate) fn supersede(&mut self, payloads: impl IntoIterator<Item = Payload>) {
        self.superseded.extend(payloads);
    }
}
