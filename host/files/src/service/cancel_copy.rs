use super::get_copy::own;
use super::{Files, wire};
use crate::domain::access::Actor;
use crate::error::Refusal;
use crate::store::copies::{self, State};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Gives a large copy up that is not done. Giving it up again changes nothing.
pub(super) async fn cancel_copy(
    files: &Files,
    ctx: &Ctx,
    request: v1::CancelCopyRequest,
) -> Result<v1::CopyJob> {
    let actor = Actor::of(ctx)?;
    let id = request.id.parse()?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    own(&mut tx, actor, id).await?;
    copies::end(&mut tx, id, State::Cancelled, None, now).await?;
    let row = own(&mut tx, actor, id).await?;
    if row.state == State::Done {
        return Err(Refusal::CopyDone.into());
    }
    tx.commit().await?;
    files.core.copies.nudge();
    wire::copy(row)
}
