use super::Files;
use super::idempotent::Key;
use super::make_folders::{self, Asked, Parent};
use crate::domain::access::{Actor, node_id};
use crate::domain::name::Name;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;

/// Makes a folder.
pub(super) async fn create_folder(
    files: &Files,
    ctx: &Ctx,
    mut request: v1::CreateFolderRequest,
) -> Result<v1::Node> {
    let actor = Actor::of(ctx)?;
    let key = Key::new(request.idempotency_key.take(), "CreateFolder", &request)?;
    let item = Asked {
        parent: Parent::Node(node_id(&request.parent_id, actor)?),
        name: Name::new(&request.name)?,
    };
    make_folders::apply(&files.core, ctx, actor, &[item], key.as_ref(), |mut results| {
        let result = results.pop();
        Ok(result.ok_or_else(|| Error::internal("make a folder", "it has no result"))??)
    })
    .await
}
