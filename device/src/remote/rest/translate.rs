//! The API's words in the engine's, and back.

use std::str::FromStr;

use bitvault_api::{ChangeCause, ChangeKind, Code, Node, NodeKind, NodeRole};
use bitvault_client::Error;
use bitvault_client::transfer::Place;
use bitvault_planner::{Cause, Content, Name, NodeId, ParseIdError, RemoteKind, RemoteNode, UploadTo};
use sha2::{Digest as _, Sha256};

use super::super::{Change, ConflictOf, Refusal, RemoteError, Told};
use crate::fs::FsError;

pub(super) fn place(to: &UploadTo) -> Place {
    match to {
        UploadTo::New { parent, name } => Place::New {
            parent_id: parent.to_string(),
            name: name.to_string(),
        },
        UploadTo::Version { node, base } => Place::Version {
            node_id: node.to_string(),
            base_version: base.to_string(),
        },
    }
}

/// A node that the caller has just changed, and so may change.
pub(super) fn node(node: &Node) -> Result<RemoteNode, RemoteError> {
    let kind = match node.kind {
        NodeKind::Folder => RemoteKind::Folder,
        NodeKind::File => {
            let lacks = || RemoteError::Broken(format!("{} has no content", node.id));
            RemoteKind::File(Content {
                version: id(node.version_id.as_deref().ok_or_else(lacks)?)?,
                sha256: id(node.sha256.as_deref().ok_or_else(lacks)?)?,
                size: node.size.ok_or_else(lacks)?,
            })
        }
    };
    Ok(RemoteNode {
        id: id(&node.id)?,
        parent: node.parent_id.as_deref().map(id).transpose()?,
        name: Name::from(node.name.as_str()),
        kind,
        revision: node.revision,
        writable: true,
    })
}

pub(super) fn change(change: &bitvault_api::Change) -> Result<Change, RemoteError> {
    let told = match (change.kind, &change.node) {
        (ChangeKind::Upsert, Some(upserted)) => Told::Upsert(RemoteNode {
            writable: matches!(change.role, Some(NodeRole::Editor | NodeRole::Owner)),
            ..node(upserted)?
        }),
        (ChangeKind::Upsert, None) => {
            return Err(RemoteError::Broken(format!(
                "{} is not described",
                change.node_id
            )));
        }
        (ChangeKind::Remove, _) => Told::Remove(id::<NodeId>(&change.node_id)?, cause(change.cause)),
    };
    Ok(Change {
        seq: u64::try_from(change.seq).unwrap_or_default(),
        actor: change.actor.as_deref().map(id).transpose()?,
        what: told,
    })
}

/// Only what somebody threw away is that; whatever else takes a node out of sight deletes nothing.
fn cause(cause: ChangeCause) -> Cause {
    match cause {
        ChangeCause::Trashed => Cause::Trashed,
        ChangeCause::Deleted => Cause::Deleted,
        ChangeCause::MovedOut => Cause::MovedAway,
        _ => Cause::AccessLost,
    }
}

fn id<T: FromStr<Err = ParseIdError>>(text: &str) -> Result<T, RemoteError> {
    text.parse()
        .map_err(|error| RemoteError::Broken(format!("{text:?}: {error}")))
}

/// Longest name of a device that the server takes with an upload, in bytes.
const DEVICE_BYTES: usize = 128;

/// What a device calls itself, as the server takes it with an upload: a name that it would refuse must hold no file up.
pub(super) fn device_name(name: &str) -> Option<String> {
    let plain: String = name.chars().filter(|c| !c.is_control()).collect();
    let plain = plain[..plain.floor_char_boundary(DEVICE_BYTES)].trim();
    (!plain.is_empty()).then(|| plain.to_owned())
}

/// What a conflicted copy is a copy of.
pub(super) fn conflict_of(of: ConflictOf) -> bitvault_api::ConflictOf {
    bitvault_api::ConflictOf {
        node_id: of.node.to_string(),
        base_version: of.base.map(|base| base.to_string()),
    }
}

/// What a deletion covers, as the API takes it: the SHA-256 over a line for each node, in the order of the ids.
pub(super) fn covered(nodes: &[(NodeId, i64)]) -> String {
    let mut nodes = nodes.to_vec();
    nodes.sort_unstable();
    let mut hash = Sha256::new();
    for (id, revision) in nodes {
        hash.update(format!("{id} {revision}\n"));
    }
    hex::encode(hash.finalize())
}

/// Why the journal could not be read.
pub(super) fn unread(error: &Error) -> RemoteError {
    match (error.reason(), error.code()) {
        (Some("cursor_expired"), _) => RemoteError::CursorExpired,
        // A cursor that the server does not know as its own was given to a device, or made with a key, that it has lost since:
        // it may have been put back to before that.
        (Some("epoch_changed" | "cursor_invalid"), _) => RemoteError::EpochChanged,
        (Some("device_not_found"), _) | (_, Some(Code::Denied)) => RemoteError::Revoked(error.to_string()),
        _ => failed(error),
    }
}

/// Why a call failed.
pub(super) fn failed(error: &Error) -> RemoteError {
    let detail = error.to_string();
    let refused = |why| RemoteError::Refused {
        why,
        detail: detail.clone(),
    };
    match error {
        Error::Changed { .. } => RemoteError::Local(FsError::Changed),
        _ if error.is_transient() => RemoteError::Unreachable(detail),
        Error::Problem(problem) => match (problem.code, problem.reason.as_str()) {
            (Code::Unauthenticated, _) => RemoteError::Revoked(detail),
            (Code::Denied, _) => refused(Refusal::Denied),
            (Code::NotFound, _) => refused(Refusal::NotFound),
            (Code::Conflict, "name_taken") => refused(Refusal::NameTaken),
            (Code::Exhausted, "quota_exceeded") => refused(Refusal::QuotaExceeded),
            (Code::Exhausted, "too_many_devices") => refused(Refusal::Denied),
            // Asked for a pause: later.
            (Code::Exhausted | Code::Unavailable, _) => RemoteError::Unreachable(detail),
            (Code::Conflict | Code::Precondition, _) => refused(Refusal::Stale),
            (Code::Invalid, _) => refused(Refusal::Invalid),
            (Code::Internal, _) => RemoteError::Broken(detail),
        },
        _ => RemoteError::Broken(detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_called_what_the_server_takes() {
        let long = "ü".repeat(99);
        for (name, told) in [
            ("laptop", Some("laptop")),
            (" my\u{7} desk ", Some("my desk")),
            ("\n", None),
            ("", None),
            (long.as_str(), Some(&long[..DEVICE_BYTES])),
        ] {
            assert_eq!(device_name(name).as_deref(), told);
        }
    }

    #[test]
    fn only_what_somebody_threw_away_counts_as_deleted() {
        assert_eq!(cause(ChangeCause::Trashed), Cause::Trashed);
        assert_eq!(cause(ChangeCause::Deleted), Cause::Deleted);
        assert_eq!(cause(ChangeCause::MovedOut), Cause::MovedAway);
        for other in [
            ChangeCause::AccessLost,
            ChangeCause::AccessChanged,
            ChangeCause::Snapshot,
            ChangeCause::Other,
        ] {
            assert_eq!(cause(other), Cause::AccessLost, "{other:?}");
        }
    }

    /// What a server tells whose release is later than this one's.
    fn told(kind: &str, cause: &str, node_kind: &str) -> Option<Told> {
        let zeros = "0".repeat(31);
        let told = serde_json::json!({
            "seq": 7, "kind": kind, "cause": cause, "node_id": format!("nod_{zeros}1"), "role": "editor",
            "weight": {"later": true},
            "node": {
                "id": format!("nod_{zeros}1"), "name": "a", "kind": node_kind, "revision": 3, "colour": "blue",
                "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
            },
        });
        let read: bitvault_api::Change = serde_json::from_value(told).ok()?;
        Some(change(&read).unwrap().what)
    }

    #[test]
    fn a_later_server_may_tell_more_and_give_other_reasons_but_what_it_does_must_be_known() {
        for cause in ["created", "because_of_the_moon"] {
            assert!(
                matches!(told("upsert", cause, "folder"), Some(Told::Upsert(node)) if node.revision == 3)
            );
        }
        assert!(
            matches!(
                told("remove", "because_of_the_moon", "folder"),
                Some(Told::Remove(_, Cause::AccessLost))
            ),
            "nothing is deleted for a reason that nobody here knows"
        );
        // To pass over such a change would leave the device with a tree that the server does not have.
        assert_eq!(told("twist", "created", "folder"), None);
        assert_eq!(told("upsert", "created", "wormhole"), None);
    }
}
