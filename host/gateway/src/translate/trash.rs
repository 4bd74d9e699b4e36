use super::{at, covers, missing, node};
use crate::problem;
use bitvault_api as rest;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;

pub(crate) fn trash_item(from: rpc::TrashItem) -> Result<rest::TrashItem, Error> {
    Ok(rest::TrashItem {
        node: node(from.node.ok_or_else(|| missing("item.node"))?)?,
        trashed_at: at(from.trashed_at, "item.trashed_at")?,
        purge_at: at(from.purge_at, "item.purge_at")?,
        trashed_by: from.trashed_by,
        origin_id: from.origin_id,
        origin_path: from.origin_path,
    })
}

pub(crate) fn node_move(from: rest::MoveItem) -> rpc::NodeMove {
    rpc::NodeMove {
        id: from.id,
        name: from.name,
        parent_id: from.parent_id,
        revision: from.revision,
    }
}

pub(crate) fn node_delete(from: rest::DeleteItem) -> Result<rpc::NodeDelete, Error> {
    Ok(rpc::NodeDelete {
        covers: covers(from.covers.as_deref())?,
        id: from.id,
        permanent: from.permanent,
        revision: from.revision,
    })
}

/// The moved node, or why it was refused.
pub(crate) fn move_result(from: rpc::UpdateNodeResult) -> Result<rest::MoveResult, Error> {
    match from.result.ok_or_else(|| missing("a move's result"))? {
        rpc::update_node_result::Result::Node(one) => Ok(rest::MoveResult::Node(node(one)?)),
        rpc::update_node_result::Result::Error(status) => {
            Ok(rest::MoveResult::Error(problem::of_item(Error::from(status))))
        }
    }
}

/// The deleted node's id, or why it was refused.
pub(crate) fn delete_result(from: rpc::DeleteNodeResult) -> Result<rest::DeleteResult, Error> {
    match from.result.ok_or_else(|| missing("a delete's result"))? {
        rpc::delete_node_result::Result::Deleted(id) => Ok(rest::DeleteResult::Deleted(id)),
        rpc::delete_node_result::Result::Error(status) => {
            Ok(rest::DeleteResult::Error(problem::of_item(Error::from(status))))
        }
    }
}
