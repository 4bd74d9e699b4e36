//! The filters of our own SQL, pointed at another tenant: for the test that Postgres refuses what they let through. Not part
//! of a release.

use crate::ids::TenantId;
use std::sync::OnceLock;

static TENANT: OnceLock<TenantId> = OnceLock::new();

/// From now on every filter names this tenant, whoever the caller is.
pub fn point_filters_at(tenant: TenantId) {
    // Said once, when the process starts.
    let _first = TENANT.set(tenant);
}

/// The tenant that filters name in place of the caller's.
pub fn filtered() -> Option<TenantId> {
    TENANT.get().copied()
}
