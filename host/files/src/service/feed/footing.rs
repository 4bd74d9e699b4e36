//! Whether the journal is still the one that a state was read from. The high-water mark tells by itself of a database that was put
//! back, but not of the last seconds before it rose; a state that stands on what was lost tells of those (ADR 0125).

use super::wire::State;
use crate::domain::feed::fingerprint::Fingerprint;
use crate::service::Files;
use crate::store::feed;
use crate::store::index::Head;
use bitvault_platform::{Ctx, Result};

/// What a state stands on in the journal.
pub(super) enum Footing {
    Firm,
    /// The entry is not kept any more.
    Unknown,
    OtherEpoch,
    /// The journal holds another entry there, or none yet.
    Lost,
}

impl Footing {
    /// `ground`: of the entry that the journal holds where the state stands.
    pub(super) fn of(state: &State, head: &Head, ground: Option<Fingerprint>) -> Self {
        match (state.fingerprint, ground) {
            _ if state.epoch != head.epoch => Self::OtherEpoch,
            _ if state.seq > head.seq => Self::Lost,
            (Some(told), Some(here)) if told != here => Self::Lost,
            (Some(_), None) => Self::Unknown,
            _ => Self::Firm,
        }
    }
}

/// Begins another epoch, because a state that we gave out stands on what is lost. That concerns every reader of the tenant: also
/// one that stands on what is older may since have been told of changes that are lost, in answer to its own.
pub(super) async fn begin_epoch(files: &Files, ctx: &Ctx, head: &Head) -> Result<()> {
    tracing::warn!(
        tenant = %head.tenant,
        "the database was put back to an older state: the tenant's devices read everything anew, and take nothing for deleted \
         because of it"
    );
    metrics::counter!("bitvault_files_put_back_total").increment(1);
    let mut tx = files.core.begin(ctx).await?;
    feed::begin_epoch(&mut tx, head.epoch).await?;
    tx.commit().await
}
