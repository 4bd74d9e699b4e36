use super::footing::{self, Footing};
use super::wire::{self, State, Walk};
use crate::domain::access::{Actor, NodeRole};
use crate::domain::change_kind::ChangeKind;
use crate::domain::feed::entries::{Entry, Judge, Page, Told, told_anew};
use crate::domain::feed::fingerprint::Fingerprint;
use crate::domain::feed::roots::{Turn, turn};
use crate::domain::feed::{ROOTS_MAX, Roots, TREES_MAX, Tree};
use crate::domain::lineage::Lineage;
use crate::error::Refusal;
use crate::service::Files;
use crate::store::feed::{self, Place, Read};
use crate::store::index::Head;
use crate::store::nodes::{self, NodeView};
use bitvault_api::limits::PAGE_ITEMS_MAX;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, NodeId, TenantId};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::v1;
use bitvault_proto::v1::ChangeCause;
use std::collections::HashMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// Answers a page of what changed for the caller. A page is one of three: a part of a walk; what became of the roots; or
/// entries of the journal. Each reads one moment, in a number of statements that depends on nothing.
pub(super) async fn list_feed(
    files: &Files,
    ctx: &Ctx,
    request: internal::ListFeedRequest,
) -> Result<internal::ListFeedResponse> {
    let actor = Actor::of(ctx)?;
    files.core.high_water.settled().await?;
    let state = request.state.map(State::read).transpose()?;
    let limit = request.limit.clamp(1, PAGE_ITEMS_MAX);
    let walking = state.as_ref().is_none_or(|state| state.walk.is_some());
    let after = state
        .as_ref()
        .filter(|_| !walking)
        .map_or(i64::MAX, |state| state.seq);
    let ground = state.as_ref().map(|state| state.seq);
    let mut tx = TenantTx::begin_snapshot(&files.core.tenants, ctx).await?;
    let read = feed::entries(&mut tx, ground, after, i64::from(limit)).await?;
    let Read {
        head,
        ground,
        entries,
    } = read.unwrap_or_else(|| none(actor.tenant));
    if let Some(state) = &state {
        match Footing::of(state, &head, ground) {
            Footing::Firm => {}
            Footing::Unknown => return Err(Refusal::CursorExpired.into()),
            Footing::OtherEpoch => return Err(Refusal::EpochChanged.into()),
            Footing::Lost => {
                tx.commit().await?;
                footing::begin_epoch(files, ctx, &head).await?;
                return Err(Refusal::EpochChanged.into());
            }
        }
    }
    let mut reading = Reading {
        tx,
        account: actor.account,
        head,
        ground,
        limit,
        items: Vec::new(),
    };
    let state = match state {
        None => reading.begin().await?,
        Some(state) => reading.go_on(state, &entries).await?,
    };
    let Reading { tx, head, items, .. } = reading;
    tx.commit().await?;
    Ok(internal::ListFeedResponse {
        more: state.walk.is_some() || state.seq < head.seq,
        items,
        state: Some(state.write()),
        head: Some(wire::head(&head)),
    })
}

/// The journal of a tenant that has none yet.
fn none(tenant: TenantId) -> Read {
    Read {
        head: Head {
            tenant,
            epoch: 1,
            seq: 0,
        },
        ground: None,
        entries: Vec::new(),
    }
}

/// A page that is being put together.
struct Reading {
    tx: TenantTx,
    account: AccountId,
    head: Head,
    /// Of the entry that the page begins behind.
    ground: Option<Fingerprint>,
    limit: u32,
    items: Vec<v1::Change>,
}

impl Reading {
    /// The first page: all that the account sees, from now on.
    async fn begin(&mut self) -> Result<State> {
        let round = 1;
        let (turn, _) = self.turn(&Roots::default(), round).await?;
        let walk = Walk {
            round: Some(round),
            as_of: self.head.seq,
            snapshot: true,
            ..Walk::default()
        };
        let mut state = State {
            epoch: self.head.epoch,
            seq: self.head.seq,
            fingerprint: self.ground,
            unsettled: self.head.seq,
            round,
            roots: turn.roots,
            walk: None,
        };
        self.walk(&mut state, walk).await?;
        Ok(state)
    }

    async fn go_on(&mut self, mut state: State, entries: &[Entry]) -> Result<State> {
        state.fingerprint = state.fingerprint.or(self.ground);
        if let Some(walk) = state.walk.take() {
            self.walk(&mut state, walk).await?;
            return Ok(state);
        }
        let first = entries.first().map_or(state.seq + 1, |entry| entry.seq);
        if first != state.seq + 1 || (entries.is_empty() && state.seq < self.head.seq) {
            return Err(Refusal::CursorExpired.into());
        }
        if entries.is_empty() {
            return Ok(state);
        }
        let tenant = self.tx.tenant();
        let home = NodeId(self.account.0);
        let mut lineage = None;
        if state.roots.get(home).is_none() || entries.iter().any(|entry| entry.turns_roots(tenant)) {
            let (turn, of_roots) = self.turn(&state.roots, state.round + 1).await?;
            if turn.changed {
                self.turned(&mut state, turn, entries);
                return Ok(state);
            }
            lineage = Some(of_roots);
        }
        self.read(&mut state, entries, lineage.as_ref()).await?;
        Ok(state)
    }

    /// Compares the roots with what the account sees by itself now.
    async fn turn(&mut self, known: &Roots, round: i64) -> Result<(Turn, Lineage)> {
        let also: Vec<Uuid> = known.list().iter().map(|root| root.node.0).collect();
        let most = i64::try_from(ROOTS_MAX + 1).unwrap_or(i64::MAX);
        let (candidates, mut lineage) = feed::roots(&mut self.tx, self.account, &also, most).await?;
        if candidates.len() > ROOTS_MAX {
            return Err(Refusal::TooManyRoots(ROOTS_MAX).into());
        }
        let head = self.head.seq;
        let most = self.limit as usize;
        let turn = turn(known, &candidates, &mut lineage, self.account, head, round, most);
        Ok((turn, lineage))
    }

    /// Tells what is gone; the rest is walked in the pages that follow, before any entry is read.
    fn turned(&mut self, state: &mut State, turn: Turn, entries: &[Entry]) {
        for (node, cause) in &turn.gone {
            let of_node = || entries.iter().filter(|entry| entry.node == *node);
            let act = match cause {
                ChangeCause::Trashed => of_node().rfind(|entry| entry.kind == ChangeKind::Trashed),
                // Unless the role was taken back before.
                ChangeCause::Deleted if of_node().all(|entry| entry.kind != ChangeKind::Shared) => {
                    of_node().rfind(|entry| entry.kind == ChangeKind::Deleted)
                }
                _ => None,
            };
            let cause = match (*cause, act) {
                (ChangeCause::Deleted, None) => ChangeCause::AccessLost,
                (cause, _) => cause,
            };
            let told = act.map(|entry| Told {
                node: *node,
                cause,
                seq: entry.seq,
                actor: entry.actor,
                at: entry.at,
            });
            self.items
                .push(wire::removal(*node, cause, state.seq, told.as_ref()));
        }
        state.unsettled = self.head.seq;
        self.let_walk(state, turn.roots, turn.trees);
    }

    /// Lets the trees be walked, and the roots of a new round, if there are any.
    fn let_walk(&self, state: &mut State, roots: Roots, trees: Vec<Tree>) {
        let round = state.round + 1;
        let begins = roots.list().iter().any(|root| root.round == round);
        if begins {
            state.round = round;
        }
        state.roots = roots;
        if begins || !trees.is_empty() {
            state.walk = Some(Walk {
                round: begins.then_some(round),
                as_of: self.head.seq,
                trees,
                ..Walk::default()
            });
        }
    }

    /// Tells what entries of the journal mean. Fewer are taken when they would let too many trees be walked.
    async fn read(&mut self, state: &mut State, entries: &[Entry], of_roots: Option<&Lineage>) -> Result<()> {
        let mut ids: Vec<Uuid> = entries
            .iter()
            .flat_map(|entry| [Some(entry.node.0), entry.from.map(|from| from.0)])
            .flatten()
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let (mut lineage, views) = nodes::lineage_and_views(&mut self.tx, &[self.account.0], &ids).await?;
        let mut taken = entries;
        let page = loop {
            let judge = Judge {
                tenant: self.tx.tenant(),
                account: self.account,
                roots: &state.roots,
                lineage: &mut lineage,
                unsettled: state.unsettled,
            };
            let page = judge.page(taken);
            if page.trees.len() <= TREES_MAX || taken.len() == 1 {
                break page;
            }
            taken = &taken[..taken.len() / 2];
        };
        self.tell(&lineage, views, &page)?;
        let roots = match of_roots {
            Some(lineage) => told_anew(&state.roots, &page, lineage, state.round + 1),
            None => state.roots.clone(),
        };
        if !page.removals.is_empty() {
            state.unsettled = self.head.seq;
        }
        if let Some(last) = taken.last() {
            state.seq = last.seq;
            state.fingerprint = Some(Fingerprint::of(last));
        }
        self.let_walk(state, roots, page.trees);
        Ok(())
    }

    fn tell(&mut self, lineage: &Lineage, views: Vec<NodeView>, page: &Page) -> Result<()> {
        let mut views = by_id(views);
        for told in &page.upserts {
            if let Some(view) = views.remove(&told.node) {
                self.items
                    .push(wire::upsert(lineage, self.account, view, *told, true)?);
            }
        }
        for told in &page.removals {
            self.items
                .push(wire::removal(told.node, told.cause, told.seq, Some(told)));
        }
        Ok(())
    }

    /// Walks on. At the end of the walk, folders that moved up to now may have been missed: those are walked once more when
    /// their entries are read.
    async fn walk(&mut self, state: &mut State, mut walk: Walk) -> Result<()> {
        let snapshot = walk.snapshot;
        let as_of = walk.as_of;
        let cause = |since: i64| match (snapshot, since >= as_of) {
            (true, _) => ChangeCause::Snapshot,
            (false, true) => ChangeCause::AccessGiven,
            (false, false) => ChangeCause::AccessChanged,
        };
        let roots = state.roots.list().iter();
        let mut trees: Vec<Tree> = roots
            .filter(|root| Some(root.round) == walk.round)
            .map(|root| Tree {
                node: root.node,
                owned: root.role == NodeRole::Owner,
                cause: cause(root.since),
            })
            .collect();
        trees.extend(walk.trees.iter().copied());
        let tops: Vec<(NodeId, bool)> = trees.iter().map(|tree| (tree.node, tree.owned)).collect();
        let most = i32::try_from(self.limit).unwrap_or(i32::MAX);
        let (found, place) = feed::walk(&mut self.tx, &tops, &walk.place, most).await?;
        let current = trees.get(place.tree).map(|tree| tree.node);
        let ids: Vec<Uuid> = found
            .iter()
            .map(|(_, node)| node.0)
            .chain(current.map(|node| node.0))
            .collect();
        let (mut lineage, views) = nodes::lineage_and_views(&mut self.tx, &[self.account.0], &ids).await?;
        let mut views = by_id(views);
        let mut sees = |node| {
            let missing = Refusal::NodeNotFound;
            lineage
                .require(self.account, node, NodeRole::Viewer, missing)
                .is_ok()
        };
        let seen: Vec<_> = found.into_iter().filter(|(_, node)| sees(*node)).collect();
        let lost = current.is_some_and(|top| place.within.is_some() && !sees(top));
        for (tree, node) in seen {
            let (Some(view), Some(tree)) = (views.remove(&node), trees.get(tree)) else {
                continue;
            };
            let told = Told {
                node,
                cause: tree.cause,
                seq: state.seq,
                actor: None,
                at: OffsetDateTime::UNIX_EPOCH,
            };
            self.items
                .push(wire::upsert(&lineage, self.account, view, told, false)?);
        }
        walk.place = place;
        // The rest of a tree that went out of sight meanwhile is not looked at.
        if lost {
            walk.place = Place {
                tree: walk.place.tree + 1,
                within: None,
            };
        }
        if walk.place.tree < trees.len() {
            state.walk = Some(walk);
        } else {
            state.unsettled = self.head.seq;
        }
        Ok(())
    }
}

fn by_id(views: Vec<NodeView>) -> HashMap<NodeId, NodeView> {
    views.into_iter().map(|view| (view.id, view)).collect()
}
