use super::access::role;
use super::{at, covers, links::at_maybe, missing, node, uploads::commit};
use crate::problem;
use bitvault_api as rest;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;

pub(crate) fn device(from: rpc::Device) -> Result<rest::Device, Error> {
    Ok(rest::Device {
        id: from.id,
        name: from.name,
        platform: from.platform,
        created_at: at(from.created_at, "device.created_at")?,
        last_seen_at: at_maybe(from.last_seen_at, "device.last_seen_at")?,
        seq: from.seq,
        behind: from.behind,
    })
}

pub(crate) fn changes(from: rpc::ListChangesResponse) -> Result<rest::ChangePage, Error> {
    Ok(rest::ChangePage {
        items: from.items.into_iter().map(change).collect::<Result<_, _>>()?,
        next_cursor: from.next_cursor,
        has_more: from.has_more,
    })
}

fn change(from: rpc::Change) -> Result<rest::Change, Error> {
    let kind = match from.kind() {
        rpc::ChangeKind::Upsert => rest::ChangeKind::Upsert,
        rpc::ChangeKind::Remove => rest::ChangeKind::Remove,
        rpc::ChangeKind::Unspecified => return Err(missing("change.kind")),
    };
    let cause = match from.cause() {
        rpc::ChangeCause::Snapshot => rest::ChangeCause::Snapshot,
        rpc::ChangeCause::Created => rest::ChangeCause::Created,
        rpc::ChangeCause::Changed => rest::ChangeCause::Changed,
        rpc::ChangeCause::Moved => rest::ChangeCause::Moved,
        rpc::ChangeCause::Restored => rest::ChangeCause::Restored,
        rpc::ChangeCause::AccessGiven => rest::ChangeCause::AccessGiven,
        rpc::ChangeCause::AccessChanged => rest::ChangeCause::AccessChanged,
        rpc::ChangeCause::MovedIn => rest::ChangeCause::MovedIn,
        rpc::ChangeCause::Trashed => rest::ChangeCause::Trashed,
        rpc::ChangeCause::Deleted => rest::ChangeCause::Deleted,
        rpc::ChangeCause::MovedOut => rest::ChangeCause::MovedOut,
        rpc::ChangeCause::AccessLost => rest::ChangeCause::AccessLost,
        rpc::ChangeCause::Unspecified => return Err(missing("change.cause")),
    };
    Ok(rest::Change {
        seq: from.seq,
        kind,
        cause,
        node_id: from.node_id,
        node: from.node.map(node).transpose()?,
        role: from.role.as_deref().map(role).transpose()?,
        actor: from.actor,
        at: at_maybe(from.at, "change.at")?,
    })
}

pub(crate) fn push_item(from: rest::PushItem) -> Result<rpc::PushItem, Error> {
    use rpc::push_item::Act;
    let act = match from {
        rest::PushItem::CreateFolder(one) => Act::CreateFolder(rpc::PushFolder {
            key: one.key,
            parent_id: one.parent_id,
            parent_key: one.parent_key,
            name: one.name,
        }),
        rest::PushItem::Commit(one) => {
            let upload = rest::CommitUpload {
                parts: one.parts,
                sha256: one.sha256,
            };
            let upload = commit(one.upload_id, upload).map_err(|error| error.below("commit"))?;
            Act::Commit(rpc::PushCommit {
                upload: Some(upload),
                node_id: one.node_id,
                parent_id: one.parent_id,
                name: one.name,
            })
        }
        rest::PushItem::Move(one) => Act::Move(rpc::PushMove {
            id: one.id,
            name: one.name,
            parent_id: one.parent_id,
            parent_key: one.parent_key,
            revision: one.revision,
        }),
        rest::PushItem::Delete(one) => Act::Delete(rpc::PushDelete {
            id: one.id,
            revision: one.revision,
            covers: covers(one.covers.as_deref()).map_err(|error| error.below("delete"))?,
        }),
    };
    Ok(rpc::PushItem { act: Some(act) })
}

pub(crate) fn push_result(from: rpc::PushResult) -> Result<rest::PushResult, Error> {
    use rpc::push_result::Result as Pushed;
    let empty = rest::PushResult::default();
    Ok(match from.result.ok_or_else(|| missing("a push's result"))? {
        Pushed::Node(one) => rest::PushResult {
            node: Some(node(one)?),
            ..empty
        },
        Pushed::Deleted(id) => rest::PushResult {
            deleted: Some(id),
            ..empty
        },
        Pushed::Refused(refused) => {
            let error = refused.error.ok_or_else(|| missing("a refusal's error"))?;
            rest::PushResult {
                error: Some(problem::of_item(Error::from(error))),
                current: refused.current.map(node).transpose()?,
                ..empty
            }
        }
    })
}
