use super::{at, missing};
use bitvault_api as rest;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;

pub(crate) fn copy(from: rpc::CopyJob) -> Result<rest::CopyJob, Error> {
    let state = match from.state() {
        rpc::CopyState::Running => rest::CopyState::Running,
        rpc::CopyState::Done => rest::CopyState::Done,
        rpc::CopyState::Failed => rest::CopyState::Failed,
        rpc::CopyState::Cancelled => rest::CopyState::Cancelled,
        rpc::CopyState::Unspecified => return Err(missing("copy.state")),
    };
    Ok(rest::CopyJob {
        created_at: at(from.created_at, "copy.created_at")?,
        id: from.id,
        state,
        copied: from.copied,
        total: from.total,
        node_id: from.node_id,
        reason: from.reason,
    })
}
