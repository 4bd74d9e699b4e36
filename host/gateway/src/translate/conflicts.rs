use super::{at, missing, node};
use bitvault_api as rest;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;

pub(crate) fn conflict(from: rpc::Conflict) -> Result<rest::Conflict, Error> {
    let resolved = from.resolved.map(|how| {
        let keep = match how.keep() {
            rpc::ConflictKeep::Both => rest::Keep::Both,
            rpc::ConflictKeep::Theirs => rest::Keep::Theirs,
            rpc::ConflictKeep::Mine => rest::Keep::Mine,
            rpc::ConflictKeep::Unspecified => return Err(missing("resolution.keep")),
        };
        Ok(rest::ConflictResolution {
            keep,
            at: at(how.at, "resolution.at")?,
            by: how.by,
        })
    });
    Ok(rest::Conflict {
        id: from.id,
        theirs: side(from.theirs)?,
        mine: side(from.mine)?,
        base_version: from.base_version,
        device: from.device,
        created_at: at(from.created_at, "conflict.created_at")?,
        created_by: from.created_by,
        revision: from.revision,
        resolved: resolved.transpose()?,
    })
}

fn side(from: Option<rpc::ConflictSide>) -> Result<rest::ConflictSide, Error> {
    let from = from.ok_or_else(|| missing("a conflict's side"))?;
    Ok(rest::ConflictSide {
        node: node(from.node.ok_or_else(|| missing("side.node"))?)?,
        changed_at: at(from.changed_at, "side.changed_at")?,
        changed_by: from.changed_by,
        device: from.device,
    })
}

pub(crate) fn keep(from: rest::Keep) -> rpc::ConflictKeep {
    match from {
        rest::Keep::Both => rpc::ConflictKeep::Both,
        rest::Keep::Theirs => rpc::ConflictKeep::Theirs,
        rest::Keep::Mine => rpc::ConflictKeep::Mine,
    }
}
