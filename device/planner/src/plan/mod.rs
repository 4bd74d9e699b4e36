//! From three trees to what is to be done now.

use crate::operation::Plan;
use crate::policy::Policy;
use crate::trees::{LocalTree, RemoteTree, SyncedTree};

/// What is to be done now so that `remote` and `local` come to agree, given that they last agreed on `synced`.
pub fn plan(_remote: &RemoteTree, _local: &LocalTree, _synced: &SyncedTree, _policy: &Policy) -> Plan {
    Plan::default()
}
