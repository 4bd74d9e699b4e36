//! Rows as messages.

use crate::domain::access::Actor;
use crate::store::copies::{CopyRow, State};
use crate::store::nodes::NodeView;
use crate::store::unsigned;
use crate::store::versions::VersionRow;
use crate::store_client::timestamp;
use bitvault_platform::Result;
use bitvault_platform::ids::VersionId;
use bitvault_proto::v1;

/// A node as it is answered to a caller that may be a link's visitor, who learns nothing of what lies above the link.
pub(super) fn node_for(actor: Actor, mut view: NodeView) -> Result<v1::Node> {
    if actor.link.is_some_and(|link| link.node == view.id) {
        view.parent_id = None;
    }
    node(view)
}

/// A node as it is answered.
pub(super) fn node(view: NodeView) -> Result<v1::Node> {
    let version = match (view.version_id, view.size, view.sha256, view.content_type) {
        (Some(id), Some(size), Some(sha256), Some(content_type)) => Some(v1::Version {
            id: id.to_string(),
            size: unsigned(size)?,
            sha256,
            content_type,
        }),
        _ => None,
    };
    let kind = if view.is_folder {
        v1::NodeKind::Folder
    } else {
        v1::NodeKind::File
    };
    Ok(v1::Node {
        id: view.id.to_string(),
        parent_id: view.parent_id.map(|id| id.to_string()),
        kind: kind.into(),
        name: view.name,
        revision: view.revision,
        created_at: Some(timestamp(view.created_at)),
        updated_at: Some(timestamp(view.updated_at)),
        version,
    })
}

/// A version as it is listed; `current` is the one that the file shows.
pub(super) fn version(row: VersionRow, current: Option<VersionId>) -> Result<v1::FileVersion> {
    Ok(v1::FileVersion {
        id: row.id.to_string(),
        size: unsigned(row.size)?,
        sha256: row.sha256,
        content_type: row.content_type,
        created_at: Some(timestamp(row.created_at)),
        created_by: row.created_by.map(|id| id.to_string()),
        label: row.label,
        current: current == Some(row.id),
        device: row.device,
    })
}

/// A large copy as it is answered. What was built, but not seen yet, is running.
pub(super) fn copy(row: CopyRow) -> Result<v1::CopyJob> {
    let state = match row.state {
        State::Running | State::Built => v1::CopyState::Running,
        State::Done => v1::CopyState::Done,
        State::Failed => v1::CopyState::Failed,
        State::Cancelled => v1::CopyState::Cancelled,
    };
    let copied = unsigned(row.copied)?;
    Ok(v1::CopyJob {
        id: row.id.to_string(),
        state: state.into(),
        copied,
        total: (copied > 0).then_some(copied),
        node_id: row
            .node
            .filter(|_| row.state == State::Done)
            .map(|id| id.to_string()),
        reason: row.reason,
        created_at: Some(timestamp(row.created_at)),
    })
}
