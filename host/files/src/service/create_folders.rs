use super::idempotent::Key;
use super::make_folders::{self, Asked, Parent, Results};
use super::{Files, bounded_batch};
use crate::domain::access::{Actor, node_id};
use crate::domain::name::Name;
use crate::error::Refusal;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::create_folder_result;
use bitvault_proto::internal::v1::new_folder;

/// Makes many folders in one transaction. A result per item; what is refused doesn't hold up the rest.
pub(super) async fn create_folders(
    files: &Files,
    ctx: &Ctx,
    mut request: internal::CreateFoldersRequest,
) -> Result<internal::CreateFoldersResponse> {
    let actor = Actor::of(ctx)?;
    bounded_batch(request.items.len())?;
    let key = Key::new(request.idempotency_key.take(), "CreateFolders", &request)?;
    // Where each item stands among those that make sense; the others have their error.
    let mut places: Vec<Result<usize>> = Vec::with_capacity(request.items.len());
    let mut items = Vec::with_capacity(request.items.len());
    for item in &request.items {
        let asked = asked(actor, item, &places);
        places.push(asked.map(|asked| {
            items.push(asked);
            items.len() - 1
        }));
    }
    let answer = |results: Results| {
        let items = places.iter().map(|place| {
            let result = match place {
                Err(error) => Err(error.clone()),
                Ok(at) => match results.get(*at) {
                    Some(result) => result.clone().map_err(Error::from),
                    None => return Err(Error::internal("make folders", "an item has no result")),
                },
            };
            Ok(internal::CreateFolderResult {
                result: Some(match result {
                    Ok(node) => create_folder_result::Result::Node(node),
                    Err(error) => create_folder_result::Result::Error(error.into()),
                }),
            })
        });
        Ok(internal::CreateFoldersResponse {
            items: items.collect::<Result<_>>()?,
        })
    };
    make_folders::apply(&files.core, ctx, actor, &items, key.as_ref(), answer).await
}

/// What an item asks for, if it makes sense. `places` tells where the items before it went.
fn asked(actor: Actor, item: &internal::NewFolder, places: &[Result<usize>]) -> Result<Asked> {
    let parent = match &item.parent {
        None => return Err(Refusal::ParentNotFound.into()),
        Some(new_folder::Parent::Id(id)) => Parent::Node(node_id(id, actor)?),
        Some(new_folder::Parent::Item(at)) => {
            let above = usize::try_from(*at).ok().and_then(|at| places.get(at));
            match above {
                Some(Ok(at)) => Parent::Item(*at),
                Some(Err(_)) | None => return Err(Refusal::ParentNotFound.into()),
            }
        }
    };
    let name = Name::new(&item.name)?;
    Ok(Asked { parent, name })
}
