//! States and changes as messages.

use crate::domain::access::NodeRole;
use crate::domain::feed::entries::Told;
use crate::domain::feed::fingerprint::Fingerprint;
use crate::domain::feed::{Root, Roots, Tree};
use crate::domain::lineage::Lineage;
use crate::service::wire;
use crate::store::feed::{Place, Within};
use crate::store::index::Head;
use crate::store::nodes::NodeView;
use crate::store_client::timestamp;
use bitvault_platform::ids::{AccountId, NodeId};
use bitvault_platform::{Error, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::v1;
use time::OffsetDateTime;

/// How far an account has been told.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) epoch: i64,
    pub(super) seq: i64,
    /// Of entry `seq`.
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) unsettled: i64,
    pub(super) round: i64,
    pub(super) roots: Roots,
    pub(super) walk: Option<Walk>,
}

/// Trees that are being told.
#[derive(Debug, Clone, Default)]
pub(super) struct Walk {
    /// The roots of this round come first …
    pub(super) round: Option<i64>,
    /// The journal's head when it began.
    pub(super) as_of: i64,
    pub(super) snapshot: bool,
    /// … then these.
    pub(super) trees: Vec<Tree>,
    pub(super) place: Place,
}

pub(super) fn head(head: &Head) -> internal::JournalHead {
    internal::JournalHead {
        tenant_id: head.tenant.to_string(),
        epoch: head.epoch,
        seq: head.seq,
    }
}

impl State {
    pub(super) fn read(from: internal::FeedState) -> Result<Self> {
        let root = |root: internal::FeedRoot| {
            Ok(Root {
                node: root.node_id.parse()?,
                role: NodeRole::parse(&root.role)
                    .ok_or_else(|| Error::internal("read a role", &root.role))?,
                since: root.since,
                round: root.round,
            })
        };
        let roots = from.roots.into_iter().map(root).collect::<Result<_>>()?;
        Ok(Self {
            epoch: from.epoch,
            seq: from.seq,
            fingerprint: Fingerprint::read(&from.fingerprint),
            unsettled: from.unsettled,
            round: from.round,
            roots: Roots::new(roots),
            walk: from.walk.map(Walk::read).transpose()?,
        })
    }

    pub(super) fn write(&self) -> internal::FeedState {
        let root = |root: &Root| internal::FeedRoot {
            node_id: root.node.to_string(),
            role: root.role.name().to_owned(),
            since: root.since,
            round: root.round,
        };
        internal::FeedState {
            epoch: self.epoch,
            seq: self.seq,
            fingerprint: self.fingerprint.map(Fingerprint::write).unwrap_or_default(),
            unsettled: self.unsettled,
            round: self.round,
            roots: self.roots.list().iter().map(root).collect(),
            walk: self.walk.as_ref().map(Walk::write),
        }
    }
}

impl Walk {
    fn read(from: internal::FeedWalk) -> Result<Self> {
        let tree = |tree: internal::FeedTree| {
            Ok(Tree {
                node: tree.node_id.parse()?,
                owned: tree.owned,
                cause: tree.cause(),
            })
        };
        Ok(Self {
            round: from.round,
            as_of: from.as_of,
            snapshot: from.snapshot,
            trees: from.trees.into_iter().map(tree).collect::<Result<_>>()?,
            place: Place {
                tree: from.at as usize,
                within: from.place.map(within).transpose()?,
            },
        })
    }

    fn write(&self) -> internal::FeedWalk {
        let tree = |tree: &Tree| internal::FeedTree {
            node_id: tree.node.to_string(),
            owned: tree.owned,
            cause: tree.cause.into(),
        };
        let place = self.place.within.as_ref().map(|within| internal::FeedPlace {
            folder_id: within.folder.to_string(),
            path: within.path.clone(),
            descending: within.descending,
            after_at: within.after.map(|(at, _)| micros(at)),
            after_id: within.after.map(|(_, id)| id.to_string()),
        });
        internal::FeedWalk {
            round: self.round,
            as_of: self.as_of,
            snapshot: self.snapshot,
            trees: self.trees.iter().map(tree).collect(),
            at: u32::try_from(self.place.tree).unwrap_or(u32::MAX),
            place,
        }
    }
}

fn within(from: internal::FeedPlace) -> Result<Within> {
    let after_id = from.after_id.as_deref().map(str::parse).transpose()?;
    let after_at = from.after_at.map(instant).transpose()?;
    Ok(Within {
        folder: from.folder_id.parse()?,
        path: from.path,
        descending: from.descending,
        after: after_at.zip(after_id),
    })
}

fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

fn instant(micros: i64) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .map_err(|cause| Error::internal("read a place in a walk", cause))
}

/// A node that is in sight, as it is told. What it is in is told only to who sees that.
pub(super) fn upsert(
    lineage: &Lineage,
    account: AccountId,
    mut view: NodeView,
    told: Told,
    is_act: bool,
) -> Result<v1::Change> {
    view.parent_id = view
        .parent_id
        .filter(|parent| lineage.role(account, *parent).is_some());
    Ok(v1::Change {
        seq: told.seq,
        kind: v1::ChangeKind::Upsert.into(),
        cause: told.cause.into(),
        node_id: told.node.to_string(),
        role: lineage
            .role(account, told.node)
            .map(|role| role.name().to_owned()),
        node: Some(wire::node(view)?),
        actor: told.actor.map(|id| id.to_string()),
        at: is_act.then(|| timestamp(told.at)),
    })
}

/// A node that is out of sight.
pub(super) fn removal(node: NodeId, cause: v1::ChangeCause, seq: i64, act: Option<&Told>) -> v1::Change {
    v1::Change {
        seq,
        kind: v1::ChangeKind::Remove.into(),
        cause: cause.into(),
        node_id: node.to_string(),
        node: None,
        role: None,
        actor: act.and_then(|told| told.actor).map(|id| id.to_string()),
        at: act.map(|told| timestamp(told.at)),
    }
}
