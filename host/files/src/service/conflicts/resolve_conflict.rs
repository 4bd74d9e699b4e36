use super::Files;
use super::shown::{Sides, show};
use crate::domain::access::{Actor, NodeRole, root};
use crate::domain::conflict::Keep;
use crate::domain::free_name;
use crate::error::Refusal;
use crate::service::idempotent::Key;
use crate::service::{free_names, room};
use crate::store::commits::{self, ChangedFile};
use crate::store::conflicts::{self, ConflictRow, Resolution};
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::moves::{self, Placed};
use crate::store::nodes::{self, NodeView};
use crate::store::{trash, versions};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{ConflictId, NodeId, VersionId};
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;
use time::OffsetDateTime;

/// How often the copy may change its folder while we wait for the locks.
const ATTEMPTS: u32 = 20;

/// Settles a conflict. Doing so again in the same way changes nothing.
pub(super) async fn resolve_conflict(
    files: &Files,
    ctx: &Ctx,
    mut request: v1::ResolveConflictRequest,
) -> Result<v1::Conflict> {
    let actor = Actor::of(ctx)?;
    let key = Key::new(request.idempotency_key.take(), "ResolveConflict", &request)?;
    let keep = Keep::asked(request.keep())?;
    let asked = Asked {
        id: request.id.parse()?,
        keep,
        revision: request.revision,
    };
    for _ in 0..ATTEMPTS {
        if let Some(answer) = transact(files, ctx, actor, &asked, key.as_ref()).await? {
            files.core.relay.nudge();
            return Ok(answer);
        }
    }
    Err(Refusal::Busy.into())
}

struct Asked {
    id: ConflictId,
    keep: Keep,
    revision: Option<i64>,
}

/// `None` when another try is worth it: the copy went to another folder while we waited for its lock.
async fn transact(
    files: &Files,
    ctx: &Ctx,
    actor: Actor,
    asked: &Asked,
    key: Option<&Key>,
) -> Result<Option<v1::Conflict>> {
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    let row = conflicts::find(&mut tx, asked.id).await?;
    let row = row.ok_or(Refusal::ConflictNotFound)?;
    let Some(folder) = folder(&mut tx, row.copy).await? else {
        return Err(Refusal::ConflictNotFound.into());
    };
    // The folder too: a name that is free stays free.
    let mut locks = [row.original.0, row.copy.0, folder.0];
    locks.sort_unstable();
    nodes::lock(&mut tx, &locks).await?;
    if let Some(key) = key
        && let Some(answer) = key.replay(&mut tx, actor).await?
    {
        return Ok(Some(answer));
    }
    // Again: somebody may have settled it while we waited.
    let mut row = conflicts::find(&mut tx, asked.id)
        .await?
        .ok_or(Refusal::ConflictNotFound)?;
    let mut sides = Sides::of(&mut tx, actor, std::slice::from_ref(&row)).await?;
    let Some(copy) = sides.views.get(&row.copy).cloned() else {
        return Err(Refusal::ConflictNotFound.into());
    };
    if copy.parent_id != Some(folder) {
        return Ok(None);
    }
    let mut changes = Vec::new();
    if judge(actor, asked, &row, &mut sides)? {
        let mut work = Work {
            actor,
            now,
            row: &row,
            sides: &mut sides,
            changes: &mut changes,
        };
        work.carry_out(&mut tx, asked.keep, folder, &copy).await?;
        let how = Resolution {
            keep: asked.keep,
            at: now,
            by: actor.account,
        };
        conflicts::settle(&mut tx, row.id, how).await?;
        row.resolved = Some(how);
        sides = Sides::of(&mut tx, actor, std::slice::from_ref(&row)).await?;
    }
    let answer = show(&mut tx, vec![row], &sides).await?.pop();
    let answer = answer.ok_or_else(|| Error::internal("read a settled conflict", "it is not there"))?;
    // The same request would have waited for the locks and been replayed: this one is another.
    if let Some(key) = key
        && !key.keep(&mut tx, actor, &answer, now).await?
    {
        return Err(Refusal::IdempotencyKeyReused.into());
    }
    journal::append(&mut tx, &changes, now).await?;
    tx.commit().await?;
    Ok(Some(answer))
}

/// The folder that a file is in now.
async fn folder(tx: &mut TenantTx, file: NodeId) -> Result<Option<NodeId>> {
    let view = nodes::views(tx, &[file.0]).await?.pop();
    Ok(view.and_then(|view| view.parent_id))
}

/// Whether there is anything to do; not when it was settled in this way before.
fn judge(actor: Actor, asked: &Asked, row: &ConflictRow, sides: &mut Sides) -> Result<bool, Refusal> {
    if !sides.are_seen(actor, row) {
        return Err(Refusal::ConflictNotFound);
    }
    if let Some(how) = row.resolved {
        return match how.keep == asked.keep {
            true => Ok(false),
            false => Err(Refusal::ConflictResolved),
        };
    }
    if !sides.are_open(row) {
        return Err(Refusal::ConflictNotFound);
    }
    let account = actor.account;
    for file in [row.original, row.copy] {
        let may = sides
            .lineage
            .require(account, file, NodeRole::Editor, Refusal::ConflictNotFound);
        may?;
    }
    let revision = sides.revision(row);
    if asked.revision.is_some_and(|seen| seen != revision) {
        return Err(Refusal::ConflictChanged(revision));
    }
    Ok(true)
}

/// A conflict that is being settled.
struct Work<'a> {
    actor: Actor,
    now: OffsetDateTime,
    row: &'a ConflictRow,
    sides: &'a mut Sides,
    changes: &'a mut Vec<Change>,
}

impl Work<'_> {
    async fn carry_out(
        &mut self,
        tx: &mut TenantTx,
        keep: Keep,
        folder: NodeId,
        copy: &NodeView,
    ) -> Result<()> {
        match keep {
            Keep::Both => self.rename(tx, folder, copy).await,
            Keep::Theirs => self.discard(tx, folder).await,
            Keep::Mine => {
                self.adopt(tx, copy).await?;
                self.discard(tx, folder).await
            }
        }
    }

    /// The copy gets a name of its own, after the file and the device.
    async fn rename(&mut self, tx: &mut TenantTx, folder: NodeId, copy: &NodeView) -> Result<()> {
        let original = self.sides.views.get(&self.row.original);
        let original = original.ok_or(Refusal::ConflictNotFound)?;
        let device = &self.row.device;
        let first = free_name::from_device(&original.name, device, 1)?;
        // Not the file's own name, also where that is free.
        let wanted = NodeView {
            name: first.text,
            name_key: first.key,
            ..copy.clone()
        };
        let other = |_: &str, _: bool, number| free_name::from_device(&original.name, device, number);
        let name = free_names::find(tx, &wanted, folder, None, other).await?;
        let placed = Placed {
            id: copy.id,
            parent: folder,
            name,
            revision: copy.revision + 1,
        };
        let change = Change::of(copy.id, ChangeKind::Moved, placed.revision, self.actor.account)
            .out_of(Some(folder))
            .inherited(self.sides.lineage.any(copy.id).is_none_or(|facts| facts.inherits));
        moves::place(tx, self.actor, &[placed], self.now).await?;
        self.changes.push(change);
        Ok(())
    }

    /// The copy goes to the trash.
    async fn discard(&mut self, tx: &mut TenantTx, folder: NodeId) -> Result<()> {
        let (copy, account) = (self.row.copy, self.actor.account);
        let lineage = &mut self.sides.lineage;
        // To take something out of a folder is to change that folder.
        lineage.permit(account, folder, NodeRole::Editor, Refusal::FolderNotYours)?;
        let tree = lineage.tree(copy, root(self.actor.tenant));
        let tree = tree.ok_or(Refusal::ConflictNotFound)?;
        let inherits = lineage.any(copy).is_none_or(|facts| facts.inherits);
        let revision = lineage.trash(copy).ok_or(Refusal::ConflictNotFound)?;
        trash::trash(tx, self.actor, &[(copy, tree)], self.now).await?;
        let change = Change::of(copy, ChangeKind::Trashed, revision, account)
            .out_of(Some(folder))
            .inherited(inherits);
        self.changes.push(change);
        Ok(())
    }

    /// The copy's content becomes a new version of the file, which names the same blob. Equal content makes none.
    async fn adopt(&mut self, tx: &mut TenantTx, copy: &NodeView) -> Result<()> {
        let original = self.sides.views.get(&self.row.original);
        let original = original.ok_or(Refusal::ConflictNotFound)?;
        let (Some(content), Some(size)) = (copy.version_id, copy.size) else {
            return Err(Refusal::NotAFile.into());
        };
        if original.sha256 == copy.sha256 {
            return Ok(());
        }
        let (version, revision) = (VersionId::new(), original.revision + 1);
        versions::adopt(tx, self.actor, original.id, content, version, self.now).await?;
        let lineage = &self.sides.lineage;
        room::fits(tx, self.actor, lineage, lineage.quotas(original.id)).await?;
        let file = ChangedFile {
            id: original.id,
            version,
            size,
            revision,
            account: self.actor.account,
        };
        commits::renew(tx, &file, self.now).await?;
        self.changes.push(Change {
            version: Some(version),
            ..Change::of(original.id, ChangeKind::Updated, revision, self.actor.account)
        });
        Ok(())
    }
}
