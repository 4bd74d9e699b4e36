//! Where an account may find something: its home and what was shared with it; or one folder that it may see.

use crate::domain::access::{Actor, NodeRole, node_id};
use crate::error::Refusal;
use crate::store::index::Sight;
use bitvault_platform::Result;
use bitvault_platform::ids::NodeId;
use bitvault_proto::internal::v1 as internal;
use std::collections::HashSet;
use uuid::Uuid;

/// Most places of an account, and of each of its groups; the newest grants count.
const GRANTS_MAX: i64 = 500;

/// Which places are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    None,
    All,
    Folder(NodeId),
}

impl Wanted {
    pub(super) fn read(request: &internal::FilterVisibleRequest, actor: Actor) -> Result<Self> {
        Ok(match &request.r#in {
            _ if !request.places => Self::None,
            Some(folder) => Self::Folder(node_id(folder, actor)?),
            None => Self::All,
        })
    }

    /// The folder that has to be looked at.
    pub(super) fn folder(self) -> Option<Uuid> {
        match self {
            Self::Folder(id) => Some(id.0),
            Self::None | Self::All => None,
        }
    }

    /// How many grants have to be looked at.
    pub(super) fn grants(self) -> i64 {
        match self {
            Self::All => GRANTS_MAX,
            Self::None | Self::Folder(_) => 0,
        }
    }

    /// The places that the account sees now.
    pub(super) fn seen(self, sight: &mut Sight, actor: Actor) -> Result<Vec<NodeId>> {
        match self {
            Self::None => Ok(Vec::new()),
            // A home is made when it is first looked at.
            Self::Folder(id) if actor.home() == Ok(id) => Ok(vec![id]),
            Self::Folder(id) => {
                let lineage = &mut sight.lineage;
                let found = lineage.require(actor.account, id, NodeRole::Viewer, Refusal::NodeNotFound)?;
                if !found.is_folder {
                    return Err(Refusal::NotAFolder.into());
                }
                Ok(vec![id])
            }
            Self::All => Ok(everywhere(sight, actor)),
        }
    }
}

fn everywhere(sight: &mut Sight, actor: Actor) -> Vec<NodeId> {
    let all: HashSet<NodeId> = sight.granted.iter().copied().chain(actor.home().ok()).collect();
    let lineage = &mut sight.lineage;
    let mut places: Vec<NodeId> = actor.home().into_iter().collect();
    for node in sight.granted.iter().copied() {
        let visible = lineage.require(actor.account, node, NodeRole::Viewer, Refusal::NodeNotFound);
        // What lies below another place is found there.
        if visible.is_ok() && !lineage.up(node).skip(1).any(|above| all.contains(&above)) {
            places.push(node);
        }
    }
    places
}
