//! From three trees to what is to be done now.
//!
//! The three trees are merged into the one that both sides should have ([`merged`]): first what there is and whether it
//! stays ([`collect`], [`stay`]), then where it lies ([`places`]), then what it is called ([`twins`]). What each side lacks
//! of the merged tree becomes operations ([`derive`]) where nothing stands in the way ([`ready`]).
//!
//! Invariants: merging again after any part of the operations was carried out gives the same merged tree, so that a plan
//! need not be remembered. Files that all three trees agree on take no part: the time for a plan grows with the number
//! of nodes by one comparison each, and otherwise with what differs.

mod collect;
mod derive;
mod merged;
mod places;
mod ready;
mod removals;
mod stay;
mod twins;

use crate::operation::{Pause, Plan};
use crate::policy::Policy;
use crate::trees::{LocalTree, RemoteTree, SyncedTree};

use self::merged::Merged;

/// What is to be done now so that `remote` and `local` come to agree, given that they last agreed on `synced`.
///
/// The plan is empty when both sides agree, or when all that differs is told by its pauses and problems.
pub fn plan(remote: &RemoteTree, local: &LocalTree, synced: &SyncedTree, policy: &Policy) -> Plan {
    if remote.get(remote.root()).is_none() || local.get(local.root()).is_none() {
        return Plan {
            pauses: vec![Pause::RootGone],
            ..Plan::default()
        };
    }
    let mut merged = Merged::new(remote, local, synced, policy);
    collect::collect(&mut merged);
    places::place(&mut merged);
    stay::raise_folders(&mut merged);
    stay::mark_excluded(&mut merged);
    let names = twins::settle(&mut merged);
    derive::operations(merged, names)
}
