use super::check_uploads::{Wanted, multipart};
use super::{Files, bounded_batch};
use crate::domain::access::Actor;
use crate::failpoints;
use bitvault_platform::{Ctx, Error, Result, telemetry};
use bitvault_proto::v1;
use bitvault_proto::v1::commit_result;
use futures::FutureExt as _;

/// Verifies what was sent and makes it visible. Committing again answers the same node.
///
/// Both stages go in batches with other calls of the tenant: the look at uploads and store, and the transaction. Only
/// multipart uploads are assembled and verified by their own call in between, because that may take long.
pub(super) async fn commit_uploads(
    files: &Files,
    ctx: &Ctx,
    request: v1::CommitUploadsRequest,
) -> Result<v1::CommitUploadsResponse> {
    let actor = Actor::or_visitor(ctx)?;
    bounded_batch(request.items.len())?;
    let traceparent = telemetry::propagation::current();
    let wanted = request.items.into_iter().map(|commit| Wanted {
        actor,
        commit,
        traceparent: traceparent.clone(),
    });
    failpoints::hit(failpoints::COMMIT_BEFORE_VERIFY)?;
    let looked_up = files.checks.submit(actor.tenant, wanted.collect()).await?;
    let checking = looked_up
        .into_iter()
        .map(|found| multipart(&files.core, ctx, found).boxed());
    let checked = futures::future::join_all(checking.collect::<Vec<_>>()).await;
    failpoints::hit(failpoints::COMMIT_AFTER_VERIFY)?;
    let mut ready = Vec::with_capacity(checked.len());
    let errors: Vec<Option<Error>> = checked
        .into_iter()
        .map(|item| item.map(|item| ready.push(item)).err())
        .collect();
    let mut nodes = files.commits.submit(actor.tenant, ready).await?.into_iter();
    failpoints::hit(failpoints::COMMIT_AFTER_TX)?;
    let missing = || Err(Error::internal("commit uploads", "a result is missing"));
    let items = errors.into_iter().map(|error| {
        let result = match error {
            Some(error) => Err(error),
            None => nodes.next().unwrap_or_else(missing),
        };
        v1::CommitResult {
            result: Some(match result {
                Ok(node) => commit_result::Result::Node(node),
                Err(error) => commit_result::Result::Error(error.into()),
            }),
        }
    });
    Ok(v1::CommitUploadsResponse {
        items: items.collect(),
    })
}
