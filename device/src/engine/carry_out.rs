//! Carries a plan's operations out, kind by kind, and tells the trees what came of each.

use bitvault_planner::{
    DownloadTo, Fingerprint, LocalId, Name, NodeId, Operation, RemoteKind, RemoteNode, RemoveWhy, Why,
};
use futures::StreamExt as _;
use futures::future::ready;

use super::io::key;
use super::{Engine, EngineError, Round};
use crate::fs::{Found, FsError, Inventory, RelPath, own};
use crate::remote::{Refusal, RemoteError};
use crate::scan::path_of;

/// What an operation works with, in the order in which a plan is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    State,
    Hash,
    Folder,
    Call,
    Send,
    Fetch,
}

fn work(operation: &Operation) -> Work {
    match operation {
        Operation::Adopt { .. } | Operation::Forget { .. } => Work::State,
        Operation::Hash { .. } => Work::Hash,
        Operation::CreateLocalFolder { .. } | Operation::MoveLocal { .. } | Operation::RemoveLocal { .. } => {
            Work::Folder
        }
        Operation::CreateRemoteFolder { .. }
        | Operation::MoveRemote { .. }
        | Operation::DeleteRemote { .. } => Work::Call,
        Operation::Upload { .. } => Work::Send,
        Operation::Download { .. } => Work::Fetch,
    }
}

impl Engine {
    /// Carries operations out, those that only change the state first.
    ///
    /// What is refused or given up is noted in the round, and is no error.
    pub(super) async fn carry_out(
        &mut self,
        mut operations: Vec<Operation>,
        round: &mut Round,
    ) -> Result<(), EngineError> {
        operations.retain(|operation| {
            let is_own = self.takes_own_name(operation);
            if is_own {
                let shown = self.subject(operation);
                round.failed(
                    operation,
                    &shown,
                    "a device keeps this name for itself; rename it on the server",
                );
            }
            !is_own
        });
        // In their own memory: of a first sync they are many, and most of one kind.
        operations.sort_by_key(work);
        let left = std::mem::take(&mut self.left);
        let mut next = |kind| {
            let end = operations.partition_point(|operation| work(operation) <= kind);
            let rest = operations.split_off(end);
            let mut next = std::mem::replace(&mut operations, rest);
            left.put_behind(&mut next);
            next
        };
        self.note(next(Work::State), round)?;
        self.hash(next(Work::Hash), round).await?;
        if self.io.ending.is_cancelled() {
            return Ok(());
        }
        self.change_folder(next(Work::Folder), round).await?;
        self.call(next(Work::Call), round).await?;
        if self.io.ending.is_cancelled() {
            return Ok(());
        }
        self.transfer(next(Work::Send), next(Work::Fetch), round).await
    }

    /// Counts an operation that was carried out.
    pub(super) fn did(&mut self, operation: &Operation, round: &mut Round) {
        round.done += 1;
        self.spree.did(operation, self.io.world.now());
    }

    /// Whether something would get a name that scans leave out: it would look deleted then.
    fn takes_own_name(&self, operation: &Operation) -> bool {
        let (parent, name) = match operation {
            Operation::CreateLocalFolder { parent, name, .. }
            | Operation::MoveLocal { parent, name, .. }
            | Operation::Download {
                to: DownloadTo::New { parent, name, .. },
                ..
            } => (*parent, name),
            _ => return false,
        };
        own::is_own(name.as_str(), parent == self.kept.trees().local.root())
    }

    fn note(&mut self, operations: Vec<Operation>, round: &mut Round) -> Result<(), EngineError> {
        for operation in operations {
            match operation {
                Operation::Adopt { node, local } => self.kept.adopt(node, local),
                Operation::Forget { node } => self.kept.forget(node),
                _ => continue,
            }
            round.done += 1;
            self.flush_many()?;
        }
        self.flush()
    }

    /// Folders, moves and removals on the device, one after the other: each path is that of the moment.
    async fn change_folder(
        &mut self,
        operations: Vec<Operation>,
        round: &mut Round,
    ) -> Result<(), EngineError> {
        if operations.is_empty() {
            return Ok(());
        }
        // A crash behind the act and before its outcome is written must not look like a person: a folder would be one of the
        // person's, a copy would be bound to a node whose name it has lost, and what is left out would be deleted on the
        // server.
        for operation in &operations {
            match operation {
                Operation::CreateLocalFolder { node, .. } => self.kept.fetching(*node, RemoteKind::Folder),
                Operation::MoveLocal {
                    local,
                    why: Why::Conflict,
                    ..
                } => self.kept.set_aside(*local),
                Operation::RemoveLocal {
                    local,
                    why: RemoveWhy::Excluded,
                    ..
                } => self.kept.leaving(*local),
                _ => {}
            }
        }
        let is_removal = |operation: &Operation| matches!(operation, Operation::RemoveLocal { .. });
        match operations.iter().any(is_removal) {
            true => self.reseal().await?,
            false => self.flush()?,
        }
        let mut touched = Vec::new();
        for operation in operations {
            match self.change_one(&operation, &mut touched).await {
                Ok(()) => self.did(&operation, round),
                Err(error) => self.fs_refused(&operation, error, round)?,
            }
        }
        touched.sort();
        touched.dedup();
        self.io.fs.settle(&touched).await?;
        self.flush()
    }

    async fn change_one(&mut self, operation: &Operation, touched: &mut Vec<RelPath>) -> Result<(), FsError> {
        match operation {
            Operation::CreateLocalFolder {
                node,
                at,
                parent,
                name,
            } => {
                let folder = self.path(*parent)?;
                let path = folder.join(name.as_str());
                let fingerprint = self.io.fs.create_folder(&path).await?;
                touched.extend([folder, path.clone()]);
                self.kept
                    .created_local(*node, at.clone(), *parent, name.clone(), fingerprint);
                self.log("create", &path, "");
            }
            Operation::MoveLocal {
                local,
                expected,
                parent,
                name,
                why,
                agreed,
            } => {
                let from = self.path(*local)?;
                let folder = self.path(*parent)?;
                let to = folder.join(name.as_str());
                let expected = self.found(*local, *expected)?;
                let fingerprint = self.io.fs.rename(&from, expected, &to).await?;
                touched.extend([from.folder(), folder]);
                self.kept
                    .moved_local(*local, (*parent, name.clone()), fingerprint, agreed.clone());
                match why {
                    Why::Follow => self.log("move", &to, format!("from {from}")),
                    Why::Twin => self.log("move", &to, format!("from {from}, whose name another one has")),
                    Why::Conflict => self.log("conflict", &to, format!("conflicted copy of {from}")),
                    Why::StepAside => {}
                }
            }
            Operation::RemoveLocal {
                local,
                covers,
                ignored,
                why,
            } => {
                let path = self.path(*local)?;
                let inventory = self.inventory(*local, covers, ignored)?;
                let label = self.io.label();
                self.io.fs.discard(&path, &inventory, &label).await?;
                touched.push(path.folder());
                self.kept.removed_local(*local);
                let why = match why {
                    RemoveWhy::Gone => "removed on the server",
                    RemoveWhy::Excluded => "left out on this device",
                };
                self.log("remove", &path, format!("{why}; kept in the trash as {label}"));
            }
            _ => {}
        }
        Ok(())
    }

    /// Folders, moves and deletes on the server, side by side.
    async fn call(&mut self, operations: Vec<Operation>, round: &mut Round) -> Result<(), EngineError> {
        // A crash behind a call and before its answer is written must not look like somebody else.
        for operation in &operations {
            self.kept.asking(operation);
        }
        self.flush()?;
        let io = self.io.clone();
        let io = &io;
        let meta = self.kept.meta().clone();
        let meta = &meta;
        let mut results = futures::stream::iter(operations)
            .take_while(|_| ready(!io.ending.is_cancelled()))
            .map(|operation| async move {
                let key = key(&meta.state, meta.cursor.as_deref(), &operation);
                let result = match &operation {
                    Operation::CreateRemoteFolder { parent, name, .. } => {
                        io.remote.create_folder(&key, *parent, name).await.map(Some)
                    }
                    Operation::MoveRemote {
                        node,
                        revision,
                        parent,
                        name,
                        ..
                    } => {
                        let moved = io.remote.move_node(&key, *node, *revision, *parent, name);
                        moved.await.map(Some)
                    }
                    Operation::DeleteRemote {
                        node,
                        revision,
                        covers,
                    } => io
                        .remote
                        .delete(&key, *node, *revision, covers)
                        .await
                        .map(|()| None),
                    _ => Ok(None),
                };
                (operation, result)
            })
            .buffer_unordered(self.config.limits.calls.max(1));
        let mut stopped = None;
        while let Some((operation, result)) = self.next_of(&mut results).await? {
            match result {
                Ok(node) => {
                    self.did(&operation, round);
                    self.kept.answered(&operation);
                    self.called(&operation, node, round);
                }
                Err(error) => {
                    if matches!(error, RemoteError::Refused { .. }) {
                        self.kept.answered(&operation);
                    }
                    stopped = self.remote_refused(&operation, error, round).err().or(stopped);
                }
            }
        }
        drop(results);
        // What was answered counts even when the server is gone now.
        self.flush()?;
        stopped.map_or(Ok(()), Err)
    }

    fn called(&mut self, operation: &Operation, node: Option<RemoteNode>, round: &mut Round) {
        match (operation, node) {
            (Operation::CreateRemoteFolder { local, .. }, Some(node)) => {
                self.log("create", self.shown_local(*local), "on the server");
                self.kept.created_remote(*local, node);
            }
            (
                Operation::MoveRemote {
                    node: id,
                    why,
                    agreed,
                    ..
                },
                Some(node),
            ) => {
                let from = self.shown_node(*id);
                self.kept.moved_remote(node, agreed.clone());
                if *why != Why::StepAside {
                    self.log(
                        "move",
                        self.shown_node(*id),
                        format!("on the server, from {from}"),
                    );
                }
            }
            // Its tombstone comes with the journal.
            (Operation::DeleteRemote { node, .. }, _) => {
                self.log("remove", self.shown_node(*node), "on the server");
                round.pull = true;
            }
            _ => {}
        }
    }

    /// Notes that the file system refused. Only what makes going on pointless is an error.
    pub(super) fn fs_refused(
        &mut self,
        operation: &Operation,
        error: FsError,
        round: &mut Round,
    ) -> Result<(), EngineError> {
        let shown = self.subject(operation);
        match error {
            FsError::Changed | FsError::Occupied => {
                round.gave_up(operation, &shown, &error.to_string());
                round.look.insert(self.holder(operation));
            }
            FsError::Full | FsError::Io { .. } => round.failed(operation, &shown, &error.to_string()),
            FsError::RootGone(_) => return Err(error.into()),
        }
        Ok(())
    }

    /// Notes that the server refused. Only what makes going on pointless is an error.
    pub(super) fn remote_refused(
        &mut self,
        operation: &Operation,
        error: RemoteError,
        round: &mut Round,
    ) -> Result<(), EngineError> {
        let shown = self.subject(operation);
        match error {
            RemoteError::Local(error) => return self.fs_refused(operation, error, round),
            RemoteError::Refused { why, ref detail } => match why {
                Refusal::NameTaken => {
                    round.taken.extend(wanted(operation));
                    round.pull = true;
                    round.gave_up(operation, &shown, detail);
                }
                Refusal::Stale | Refusal::NotFound | Refusal::Denied => {
                    round.pull = true;
                    round.gave_up(operation, &shown, detail);
                }
                Refusal::QuotaExceeded | Refusal::Invalid => round.failed(operation, &shown, detail),
            },
            RemoteError::Broken(ref detail) => round.failed(operation, &shown, detail),
            RemoteError::Unreachable(_) if self.io.ending.is_cancelled() => {}
            RemoteError::CursorExpired
            | RemoteError::EpochChanged
            | RemoteError::Revoked(_)
            | RemoteError::Unreachable(_) => return Err(error.into()),
        }
        Ok(())
    }

    /// The folder to list again when an operation found something else than expected.
    fn holder(&self, operation: &Operation) -> LocalId {
        let local = &self.kept.trees().local;
        let holds = |id: &LocalId| local.get(*id).and_then(|entry| entry.parent);
        let folder = match operation {
            Operation::Hash { local, .. }
            | Operation::CreateRemoteFolder { local, .. }
            | Operation::Upload { local, .. }
            | Operation::RemoveLocal { local, .. } => holds(local),
            // Either of both places may be the one that is not as it was.
            Operation::MoveLocal { .. } => None,
            Operation::CreateLocalFolder { parent, .. } => Some(*parent),
            Operation::Download { to, .. } => match to {
                DownloadTo::New { parent, .. } => Some(*parent),
                DownloadTo::Replace { local, .. } => holds(local),
            },
            _ => None,
        };
        folder.unwrap_or_else(|| local.root())
    }

    pub(super) fn path(&self, id: LocalId) -> Result<RelPath, FsError> {
        path_of(self.kept.trees(), id).ok_or(FsError::Changed)
    }

    fn found(&self, id: LocalId, fingerprint: Fingerprint) -> Result<Found, FsError> {
        let entry = self.kept.trees().local.get(id).ok_or(FsError::Changed)?;
        Ok(Found {
            kind: entry.kind,
            fingerprint,
        })
    }

    /// What must lie below an entry so that it may go, by path.
    fn inventory(
        &self,
        top: LocalId,
        covers: &[(LocalId, Fingerprint)],
        ignored: &[LocalId],
    ) -> Result<Inventory, FsError> {
        let mut inventory = Inventory::default();
        for (id, fingerprint) in covers {
            inventory
                .expected
                .insert(self.path_below(top, *id)?, self.found(*id, *fingerprint)?);
        }
        for id in ignored {
            inventory.ignored.insert(self.path_below(top, *id)?);
        }
        Ok(inventory)
    }

    fn path_below(&self, top: LocalId, id: LocalId) -> Result<RelPath, FsError> {
        let local = &self.kept.trees().local;
        let mut names: Vec<&Name> = Vec::new();
        let mut at = id;
        while at != top {
            let entry = local.get(at).ok_or(FsError::Changed)?;
            names.push(&entry.name);
            at = entry.parent.ok_or(FsError::Changed)?;
        }
        Ok(RelPath::of(names.into_iter().rev()))
    }
}

/// The name on the server that an operation wanted.
fn wanted(operation: &Operation) -> Option<(NodeId, Name)> {
    match operation {
        Operation::CreateRemoteFolder { parent, name, .. } | Operation::MoveRemote { parent, name, .. } => {
            Some((*parent, name.clone()))
        }
        Operation::Upload {
            to: bitvault_planner::UploadTo::New { parent, name },
            ..
        } => Some((*parent, name.clone())),
        _ => None,
    }
}
