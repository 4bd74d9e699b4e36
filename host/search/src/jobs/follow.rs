//! Following the journals: what changed is looked up as it is now, and written into the index with the number of the change.
//!
//! An index is emptied, whatever is there, and then begun at the journal's present number with one folder pending, the
//! tenant's root; looking at its children makes their folders pending in turn, until everything has been seen. What changes
//! meanwhile stands in the journal. The same list brings in what lies below a folder that was restored or came from another
//! tree, and removes what lies below one that has gone.
//!
//! An index whose entries an older release wrote stays, and everything is looked at once more in the same way; there every
//! folder becomes pending, not only those that are new.
//!
//! Killed anywhere, it goes on from the last transaction: each holds what it wrote, where it stands, and what is pending.

use crate::Search;
use crate::domain::family::family;
use crate::store::apply::{self, Entry};
use crate::store::cursors::{self, Cursor, Stage};
use crate::store::erase;
use crate::store::pending::{self, Pending};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, NodeId, TenantId};
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::internal::v1 as internal;
use futures::StreamExt as _;
use std::collections::HashSet;
use time::OffsetDateTime;
use uuid::Uuid;

/// Tenants that are indexed at the same time.
const CONCURRENT: usize = 4;
/// Heads that are read at a time.
const HEADS: u32 = 1000;
/// Steps that a tenant gets before the others have their turn.
const STEPS: usize = 10;
/// Folders of one step over pending ones.
const FOLDERS: i64 = 16;
/// Rows that one step removes from an index that is emptied, for each node that one indexes: about as much work.
const ROWS_PER_NODE: u64 = 10;

/// What a step found to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The index says what the journal says.
    Done,
    /// There may be more.
    More,
}

impl Search {
    /// Brings the index of every tenant up to its journal, or some steps nearer; answers whether some need more. An index
    /// without a journal, of a tenant that is gone, is removed.
    pub async fn follow_once(&self) -> Result<bool> {
        let mut after = None;
        let mut more = false;
        loop {
            let heads = self.core.files.heads(after, HEADS).await?;
            let full = heads.len() == HEADS as usize;
            let last = match heads.last() {
                Some(last) if full => last.tenant_id.parse()?,
                _ => TenantId(Uuid::max()),
            };
            let behind = self.behind(&heads, after, last).await?;
            after = Some(last);
            let turns = behind.into_iter().map(|tenant| {
                let search = self.clone();
                async move { (tenant, search.turn(tenant).await) }
            });
            let ended: Vec<(TenantId, Result<Step>)> = futures::stream::iter(turns)
                .buffer_unordered(CONCURRENT)
                .collect()
                .await;
            for (tenant, step) in ended {
                match step {
                    Ok(step) => more |= step == Step::More,
                    // The others go on; this one is tried again at the next look.
                    Err(error) => tracing::warn!(%error, %tenant, "index a tenant"),
                }
            }
            if !full {
                return Ok(more);
            }
        }
    }

    /// Of the tenants behind `after`, up to `last`, of which these are the heads: those whose index is not as it should be.
    async fn behind(
        &self,
        heads: &[internal::JournalHead],
        after: Option<TenantId>,
        last: TenantId,
    ) -> Result<Vec<TenantId>> {
        let tenants = heads.iter().map(|head| Ok(head.tenant_id.parse::<TenantId>()?.0));
        let tenants = tenants.collect::<Result<Vec<Uuid>>>()?;
        let epochs: Vec<i64> = heads.iter().map(|head| head.epoch).collect();
        let seqs: Vec<i64> = heads.iter().map(|head| head.seq).collect();
        let mut tx = self.core.database.worker().await?;
        let mut behind = cursors::behind(&mut tx, &tenants, &epochs, &seqs).await?;
        let after = after.map_or_else(Uuid::nil, |tenant| tenant.0);
        behind.extend(cursors::others(&mut tx, after, last.0, &tenants).await?);
        tx.commit().await?;
        Ok(behind)
    }

    /// Some steps of one tenant.
    async fn turn(&self, tenant: TenantId) -> Result<Step> {
        for _ in 0..STEPS {
            if self.step(tenant).await? == Step::Done {
                return Ok(Step::Done);
            }
        }
        Ok(Step::More)
    }

    /// One step of a tenant: changes of the journal first, so that they show soon while an index is being filled.
    pub(super) async fn step(&self, tenant: TenantId) -> Result<Step> {
        let ctx = Ctx::system("search").within(tenant);
        let mut tx = TenantTx::begin(&self.core.database, &ctx).await?;
        let cursor = cursors::read(&mut tx).await?;
        let folders = pending::some(&mut tx, FOLDERS).await?;
        tx.commit().await?;
        let batch = self.core.config.batch;
        let Some(cursor) = cursor else {
            return self.begin(tenant).await;
        };
        if cursor.stage == Stage::Emptying {
            return self.go_on_emptying(&ctx, cursor).await;
        }
        let read = self.core.files.journal(tenant, cursor.seq, batch).await?;
        let Some(head) = read.head else {
            tracing::info!(%tenant, "the journal is gone, and the index with it");
            self.empty(tenant).await?;
            return Ok(Step::More);
        };
        let first = read.entries.first().map_or(cursor.seq + 1, |entry| entry.seq);
        if head.epoch != cursor.epoch || head.seq < cursor.seq || first != cursor.seq + 1 {
            tracing::info!(%tenant, "the journal is another one, or begins later: the index is made anew");
            self.empty(tenant).await?;
            return Ok(Step::More);
        }
        if cursor.form < cursors::FORM {
            tracing::info!(%tenant, "an older release wrote the index: everything is looked at once more");
            self.refresh(&ctx, cursor, true).await?;
            return Ok(Step::More);
        }
        if let Some(last) = read.entries.last() {
            let changed: HashSet<&str> = read.entries.iter().map(|entry| entry.node_id.as_str()).collect();
            let changed = changed.into_iter().map(|id| Ok(id.parse::<NodeId>()?.0));
            self.apply_changes(&ctx, cursor, &changed.collect::<Result<Vec<_>>>()?, last.seq)
                .await?;
            return Ok(Step::More);
        }
        if !folders.is_empty() {
            self.look_below(&ctx, cursor, folders).await?;
            return Ok(Step::More);
        }
        if cursor.stage == Stage::Refreshing {
            self.refresh(&ctx, cursor, false).await?;
            return Ok(Step::More);
        }
        Ok(Step::Done)
    }

    /// Lets an index be made where there is none, if the tenant has a journal.
    async fn begin(&self, tenant: TenantId) -> Result<Step> {
        if self.core.files.journal(tenant, i64::MAX, 1).await?.head.is_none() {
            return Ok(Step::Done);
        }
        self.empty(tenant).await?;
        Ok(Step::More)
    }

    /// Removes some of what is there; begins the index, or forgets it, once that is nothing.
    async fn go_on_emptying(&self, ctx: &Ctx, cursor: Cursor) -> Result<Step> {
        // Read before: what changes from now on has a higher number.
        let head = self.core.files.journal(ctx.tenant()?, i64::MAX, 1).await?.head;
        let limit = u64::from(self.core.config.batch) * ROWS_PER_NODE;
        let mut tx = TenantTx::begin(&self.core.database, ctx).await?;
        if !cursors::advance(&mut tx, cursor, cursor.seq).await? {
            return Ok(Step::More);
        }
        let emptied = erase::contents(&mut tx, limit).await? < limit;
        let mut step = Step::More;
        match head {
            Some(head) if emptied => {
                cursors::begin(&mut tx, head.epoch, head.seq).await?;
                pending::add(&mut tx, &[ctx.tenant()?.0]).await?;
            }
            None if emptied => {
                cursors::forget(&mut tx).await?;
                step = Step::Done;
            }
            _ => {}
        }
        tx.commit().await?;
        Ok(step)
    }

    /// Begins to look at everything once more, or ends that.
    async fn refresh(&self, ctx: &Ctx, cursor: Cursor, begins: bool) -> Result<()> {
        let mut tx = TenantTx::begin(&self.core.database, ctx).await?;
        if !cursors::advance(&mut tx, cursor, cursor.seq).await? {
            return Ok(());
        }
        cursors::refresh(&mut tx, begins).await?;
        if begins {
            pending::add(&mut tx, &[ctx.tenant()?.0]).await?;
        }
        tx.commit().await
    }

    async fn apply_changes(&self, ctx: &Ctx, cursor: Cursor, changed: &[Uuid], seq: i64) -> Result<()> {
        let nodes = self.core.files.describe(ctx.tenant()?, changed).await?;
        let (homes, entries) = entries(nodes)?;
        let live: HashSet<Uuid> = entries.iter().map(|entry| entry.node).chain(homes).collect();
        let gone: Vec<Uuid> = changed.iter().filter(|id| !live.contains(*id)).copied().collect();
        let mut tx = TenantTx::begin(&self.core.database, ctx).await?;
        if !cursors::advance(&mut tx, cursor, seq).await? {
            return Ok(());
        }
        let look = apply::apply(&mut tx, &entries, &gone).await?;
        pending::add(&mut tx, &look).await?;
        tx.commit().await?;
        metrics::counter!("bitvault_search_indexed_total").increment(changed.len() as u64);
        Ok(())
    }

    /// Looks at a page of the children of each folder, until a batch of nodes has come together.
    async fn look_below(&self, ctx: &Ctx, cursor: Cursor, folders: Vec<Pending>) -> Result<()> {
        let batch = self.core.config.batch;
        let (mut homes, mut found) = (Vec::new(), Vec::new());
        let (mut done, mut dead, mut going_on) = (Vec::new(), Vec::new(), None);
        for folder in folders {
            let room = batch.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
            if room == 0 {
                break;
            }
            let page = self
                .core
                .files
                .below(ctx.tenant()?, folder.node, folder.after, room)
                .await?;
            let (some_homes, entries) = entries(page.nodes)?;
            homes.extend(some_homes);
            found.extend(entries);
            match page.next {
                _ if !page.live => dead.push(folder.node),
                None => done.push(folder.node),
                Some(next) => {
                    going_on = Some((folder.node, next));
                    break;
                }
            }
        }
        let mut tx = TenantTx::begin(&self.core.database, ctx).await?;
        if !cursors::advance(&mut tx, cursor, cursor.seq).await? {
            return Ok(());
        }
        let mut gone = Vec::new();
        for folder in dead {
            let children = apply::children(&mut tx, folder, i64::from(batch)).await?;
            if children.is_empty() {
                done.push(folder);
            }
            gone.extend(children);
        }
        pending::done(&mut tx, &done).await?;
        if let Some((folder, next)) = going_on {
            pending::go_on(&mut tx, folder, &next).await?;
        }
        let mut look: HashSet<Uuid> = apply::apply(&mut tx, &found, &gone).await?.into_iter().collect();
        if cursor.stage == Stage::Refreshing {
            look.extend(found.iter().filter(|entry| entry.folder).map(|entry| entry.node));
        }
        pending::add(&mut tx, &look.into_iter().collect::<Vec<_>>()).await?;
        pending::add(&mut tx, &homes).await?;
        tx.commit().await?;
        metrics::counter!("bitvault_search_indexed_total").increment(found.len() as u64);
        Ok(())
    }
}

/// Nodes as they go into the index, behind the homes among them: those have no name to be found by, and no change tells
/// that one was made; what is in them is found.
fn entries(nodes: Vec<internal::IndexedNode>) -> Result<(Vec<Uuid>, Vec<Entry>)> {
    let (homes, named): (Vec<_>, Vec<_>) = nodes.into_iter().partition(|node| node.name.is_empty());
    let homes = homes.iter().map(|node| Ok(node.id.parse::<NodeId>()?.0));
    let named = named.into_iter().map(entry);
    Ok((homes.collect::<Result<_>>()?, named.collect::<Result<_>>()?))
}

/// A node of the module files as it goes into the index.
fn entry(node: internal::IndexedNode) -> Result<Entry> {
    let stamp = node.updated_at.unwrap_or_default();
    let nanos = i128::from(stamp.seconds) * 1_000_000_000 + i128::from(stamp.nanos);
    let parent = node.parent_id.as_deref().map(str::parse::<NodeId>).transpose()?;
    let owner = node
        .created_by
        .as_deref()
        .map(str::parse::<AccountId>)
        .transpose()?;
    Ok(Entry {
        node: node.id.parse::<NodeId>()?.0,
        tree: node.tree_id.parse::<NodeId>()?.0,
        parent: parent.map(|id| id.0),
        folder: node.folder,
        name: node.name,
        family: family(node.folder, node.content_type.as_deref()),
        content_type: node.content_type,
        size: node.size.map(|size| i64::try_from(size).unwrap_or(i64::MAX)),
        owner: owner.map(|id| id.0),
        updated_at: OffsetDateTime::from_unix_timestamp_nanos(nanos)
            .map_err(|cause| Error::internal("read a node's time", cause))?,
        revision: node.revision,
        tags: node.tags,
        fields: node.fields,
    })
}
