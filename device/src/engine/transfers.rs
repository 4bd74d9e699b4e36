//! Files on their way, in groups: up and down side by side, each group made durable and noted as one.

use std::sync::Arc;

use async_trait::async_trait;
use bitvault_planner::{Content, DownloadTo, Fingerprint, Name, NodeId, Operation, RemoteKind, RemoteNode};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::ready;
use sha2::{Digest as _, Sha256};

use super::io::{Io, key};
use super::{Engine, EngineError, Event, Limits, Round};
use crate::fs::{FsError, RelPath, Temp, Written};
use crate::remote::{ConflictOf, Key, RemoteError, Sink, Upload};

/// So many groups are prepared ahead of those on their way.
const AHEAD: usize = 16;

/// What came of each operation of a group, where anything is known.
type Results<T> = Vec<(Operation, Result<T, RemoteError>)>;

/// A group that is done with.
enum Done {
    Up(Results<RemoteNode>),
    /// An error is one of making durable.
    Down(Result<Results<Fingerprint>, FsError>),
}

/// A file to be sent.
struct Send {
    operation: Operation,
    path: RelPath,
    key: Key,
    conflict_of: Option<ConflictOf>,
}

/// A file to be fetched, and where it goes.
struct Fetch {
    node: NodeId,
    content: Content,
    to: DownloadTo,
    folder: RelPath,
    name: Name,
}

impl Fetch {
    /// What must be there now; none for a new file.
    fn expected(&self) -> Option<Fingerprint> {
        match self.to {
            DownloadTo::New { .. } => None,
            DownloadTo::Replace { expected, .. } => Some(expected),
        }
    }

    fn operation(self) -> Operation {
        Operation::Download {
            node: self.node,
            content: self.content,
            to: self.to,
        }
    }
}

/// What moves in one direction. Of a first sync it is hundreds of thousands of files: only some groups ahead of those on their
/// way are prepared, and the others stay operations.
struct Lane<T> {
    /// The next one last: the memory of those that are on their way goes back.
    waiting: Vec<Operation>,
    /// Where groups go that are prepared; none once all are.
    ready: Option<UnboundedSender<Vec<T>>>,
}

impl<T> Lane<T> {
    /// A lane, and the groups that are offered by it.
    fn of(mut operations: Vec<Operation>) -> (Self, UnboundedReceiver<Vec<T>>) {
        let (ready, offered) = unbounded();
        operations.reverse();
        let lane = Self {
            waiting: operations,
            ready: Some(ready),
        };
        (lane, offered)
    }

    /// The next operations, of limited number and size; none when none is left.
    fn next_group(&mut self, limits: &Limits) -> Vec<Operation> {
        let (mut files, mut bytes) = (0, 0);
        for operation in self.waiting.iter().rev() {
            let size = size_of(operation);
            if files > 0 && (files >= limits.group_files || bytes + size > limits.group_bytes) {
                break;
            }
            files += 1;
            bytes += size;
        }
        let mut group = self.waiting.split_off(self.waiting.len() - files);
        group.reverse();
        self.waiting.shrink_to_fit();
        group
    }

    fn offer(&mut self, groups: Vec<Vec<T>>) {
        for group in groups {
            if let Some(ready) = &self.ready {
                // Only fails when nobody waits for groups any more.
                let _ = ready.unbounded_send(group);
            }
        }
        if self.waiting.is_empty() {
            self.close();
        }
    }

    /// No more groups will come.
    fn close(&mut self) {
        self.ready = None;
    }
}

impl Engine {
    pub(super) async fn transfer(
        &mut self,
        ups: Vec<Operation>,
        downs: Vec<Operation>,
        round: &mut Round,
    ) -> Result<(), EngineError> {
        if ups.is_empty() && downs.is_empty() {
            return Ok(());
        }
        let limits = self.config.limits;
        let io = self.io.clone();
        let io = &io;
        let (mut ups, ups_ready) = Lane::of(ups);
        let (mut downs, downs_ready) = Lane::of(downs);
        let sends = self.next_groups(&mut ups, AHEAD, round, Self::prepare_send)?;
        let fetches = self.next_groups(&mut downs, AHEAD, round, Self::prepare_fetch)?;
        self.flush()?;
        ups.offer(sends);
        downs.offer(fetches);
        let mut turn = self.begin_turn();
        let over = &turn.over.clone();
        let sent = ups_ready
            .take_while(|_| ready(!over.is_cancelled()))
            .map(|group| async move { Done::Up(send(io, group).await) })
            .buffer_unordered(limits.groups.max(1));
        let fetched = downs_ready
            .take_while(|_| ready(!over.is_cancelled()))
            .map(|group| async move { Done::Down(fetch(io, group, &limits).await) })
            .buffer_unordered(limits.groups.max(1));
        let mut groups = std::pin::pin!(futures::stream::select(sent, fetched));
        while let Some(group) = self.next_of(&mut groups).await? {
            let is_up = matches!(group, Done::Up(_));
            self.take_group(group, round)?;
            if turn.is_over() {
                ups.close();
                downs.close();
                continue;
            }
            if is_up {
                let next = self.next_groups(&mut ups, 1, round, Self::prepare_send)?;
                self.flush()?;
                ups.offer(next);
            } else {
                let next = self.next_groups(&mut downs, 1, round, Self::prepare_fetch)?;
                self.flush()?;
                downs.offer(next);
            }
        }
        round.is_over |= turn.is_over();
        self.left.add(&ups.waiting);
        self.left.add(&downs.waiting);
        Ok(())
    }

    /// Up to so many next groups of a lane; to be offered once what is noted of them is durable.
    fn next_groups<T>(
        &mut self,
        lane: &mut Lane<T>,
        count: usize,
        round: &mut Round,
        prepare: impl Fn(&mut Self, Operation, &mut Round) -> Result<Option<T>, EngineError>,
    ) -> Result<Vec<Vec<T>>, EngineError> {
        let mut ready = Vec::new();
        while ready.len() < count && !lane.waiting.is_empty() {
            let operations = lane.next_group(&self.config.limits);
            self.left.add(&operations);
            let mut group = Vec::with_capacity(operations.len());
            for operation in operations {
                group.extend(prepare(self, operation, round)?);
            }
            if !group.is_empty() {
                ready.push(group);
            }
        }
        Ok(ready)
    }

    /// Where the file lies; and notes what is about to be sent, before its first byte is, so that it is nobody's edit when a
    /// crash comes between.
    fn prepare_send(&mut self, operation: Operation, round: &mut Round) -> Result<Option<Send>, EngineError> {
        let Operation::Upload { local, sha256, .. } = &operation else {
            return Ok(None);
        };
        let Ok(path) = self.path(*local) else {
            self.fs_refused(&operation, FsError::Changed, round)?;
            return Ok(None);
        };
        self.kept.sending(*local, *sha256);
        let meta = self.kept.meta();
        Ok(Some(Send {
            path,
            key: key(&meta.state, meta.cursor.as_deref(), &operation),
            conflict_of: self.kept.aside(*local),
            operation,
        }))
    }

    /// Where the file goes; and notes what is about to be put in place.
    fn prepare_fetch(
        &mut self,
        operation: Operation,
        round: &mut Round,
    ) -> Result<Option<Fetch>, EngineError> {
        let Operation::Download { node, content, to } = &operation else {
            return Ok(None);
        };
        let place = match to {
            DownloadTo::New { parent, name, .. } => self.path(*parent).map(|folder| (folder, name.clone())),
            DownloadTo::Replace { local, .. } => self.path(*local).and_then(|path| {
                let (folder, name) = path.split().ok_or(FsError::Changed)?;
                Ok((folder, Name::from(name)))
            }),
        };
        match place {
            Ok((folder, name)) => {
                self.kept.fetching(*node, RemoteKind::File(*content));
                Ok(Some(Fetch {
                    node: *node,
                    content: *content,
                    to: to.clone(),
                    folder,
                    name,
                }))
            }
            Err(error) => {
                self.fs_refused(&operation, error, round)?;
                Ok(None)
            }
        }
    }

    fn take_group(&mut self, group: Done, round: &mut Round) -> Result<(), EngineError> {
        let mut stopped = None;
        match group {
            Done::Up(results) => {
                for (operation, result) in results {
                    self.left.remove(&operation);
                    match (result, &operation) {
                        (Ok(node), Operation::Upload { local, .. }) => {
                            self.did(&operation, round);
                            let bytes = node.kind.content().map_or(0, |content| content.size);
                            self.io.progress.event(Event::Moved { bytes });
                            self.log("upload", self.shown_local(*local), "");
                            self.kept.created_remote(*local, node);
                        }
                        (Ok(_), _) => {}
                        (Err(error), _) => {
                            stopped = self.remote_refused(&operation, error, round).err().or(stopped)
                        }
                    }
                }
            }
            // What was placed may not be durable: the next look at the folder finds it.
            Done::Down(Err(error)) => return Err(error.into()),
            Done::Down(Ok(results)) => {
                for (operation, result) in results {
                    self.left.remove(&operation);
                    match result {
                        Ok(fingerprint) => {
                            self.did(&operation, round);
                            self.fetched(&operation, fingerprint);
                        }
                        Err(error) => {
                            stopped = self.remote_refused(&operation, error, round).err().or(stopped)
                        }
                    }
                }
            }
        }
        self.flush()?;
        stopped.map_or(Ok(()), Err)
    }

    fn fetched(&mut self, operation: &Operation, fingerprint: Fingerprint) {
        let Operation::Download { node, content, to } = operation else {
            return;
        };
        let local = match to {
            DownloadTo::New { at, parent, name } => {
                self.kept
                    .downloaded(*node, *content, at.clone(), (*parent, name.clone()), fingerprint)
            }
            DownloadTo::Replace { local, .. } => {
                self.kept.replaced(*node, *content, *local, fingerprint);
                *local
            }
        };
        self.log("download", self.shown_local(local), "");
    }
}

/// What it moves, in bytes.
fn size_of(operation: &Operation) -> u64 {
    match operation {
        Operation::Upload { expected, .. } => expected.size,
        Operation::Download { content, .. } => content.size,
        _ => 0,
    }
}

async fn send(io: &Io, group: Vec<Send>) -> Results<RemoteNode> {
    let mut results = Vec::with_capacity(group.len());
    let (mut operations, mut uploads) = (Vec::new(), Vec::new());
    for file in group {
        let Operation::Upload {
            sha256, to, expected, ..
        } = &file.operation
        else {
            continue;
        };
        match io.fs.open(&file.path, *expected).await {
            Ok(source) => {
                uploads.push(Upload {
                    key: file.key,
                    to: to.clone(),
                    sha256: *sha256,
                    source,
                    conflict_of: file.conflict_of,
                });
                operations.push(file.operation);
            }
            Err(error) => results.push((file.operation, Err(error.into()))),
        }
    }
    if !uploads.is_empty() {
        // When work was to end, nothing is known of any of them.
        if let Ok(answers) = io.unless_ending(io.remote.upload(uploads)).await {
            results.extend(operations.into_iter().zip(answers));
        }
    }
    results
}

/// Fetches a group: all files are written, made durable at once, put in their places, and the places made durable. An
/// error is one of making durable.
async fn fetch(io: &Io, group: Vec<Fetch>, limits: &Limits) -> Result<Results<Fingerprint>, FsError> {
    if group.len() > 1 {
        let wanted: Vec<_> = group
            .iter()
            .map(|fetch| (fetch.node, fetch.content.version))
            .collect();
        io.remote.foresee(&wanted).await;
    }
    let written: Vec<_> = futures::stream::iter(group)
        .map(|fetch| async move {
            let written = write(io, &fetch, limits).await;
            (fetch, written)
        })
        .buffer_unordered(limits.files.max(1))
        .collect()
        .await;
    let paths: Vec<RelPath> = written
        .iter()
        .filter_map(|(_, written)| Some(written.as_ref().ok()?.path.clone()))
        .collect();
    io.fs.settle(&paths).await?;
    let mut results = Vec::with_capacity(written.len());
    let mut folders = Vec::new();
    for (fetch, written) in written {
        let placed = match written {
            Ok(written) => place(io, &fetch, &written).await.map_err(RemoteError::from),
            Err(error) => Err(error),
        };
        if placed.is_ok() {
            folders.push(fetch.folder.clone());
        }
        results.push((fetch.operation(), placed));
    }
    folders.sort();
    folders.dedup();
    io.fs.settle(&folders).await?;
    Ok(results)
}

async fn write(io: &Io, fetch: &Fetch, limits: &Limits) -> Result<Written, RemoteError> {
    let is_resumed = fetch.content.size >= limits.resumed_bytes;
    if !is_resumed {
        let temp = io.fs.create_temp(&fetch.folder, io.world.random()).await?;
        return write_into(io, fetch, temp, 0, is_resumed).await;
    }
    let resume = || {
        io.fs
            .resume_temp(&fetch.folder, partial_tag(&fetch.content), fetch.content.size)
    };
    let (temp, has) = resume().await?;
    match write_into(io, fetch, temp, has, is_resumed).await {
        // A power cut may have damaged what was there; it is removed by now.
        Err(RemoteError::Broken(why)) if has > 0 => {
            tracing::warn!(why, "fetch it anew");
            let (temp, has) = resume().await?;
            write_into(io, fetch, temp, has, is_resumed).await
        }
        result => result,
    }
}

/// Stands for a version in the name of a file that holds a beginning of it. That two share one is found by the hash of the
/// whole.
fn partial_tag(content: &Content) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(content.version.to_string());
    hasher.update(content.sha256.0);
    let mut tag = [0; 8];
    tag.copy_from_slice(&hasher.finalize()[..8]);
    u64::from_be_bytes(tag)
}

/// Writes what is missing behind the bytes that the file has.
async fn write_into(
    io: &Io,
    fetch: &Fetch,
    temp: Box<dyn Temp>,
    has: u64,
    is_resumed: bool,
) -> Result<Written, RemoteError> {
    if has > 0 {
        io.progress.event(Event::Resumed { bytes: has });
    }
    let mut into = Into {
        temp,
        progress: Arc::clone(&io.progress),
    };
    let download = io.remote.download(fetch.node, fetch.content, has, &mut into);
    let fetched = io.unless_ending(download).await.flatten();
    let written = into.temp.finish().await;
    match (fetched, written) {
        (Ok(()), Ok(written)) if written.sha256 == fetch.content.sha256 => Ok(written),
        (Ok(()), Ok(written)) => {
            io.fs.abandon(&written).await;
            Err(RemoteError::Broken(format!(
                "the content arrived damaged: expected SHA-256 {}, got {}",
                fetch.content.sha256, written.sha256
            )))
        }
        (Ok(()), Err(error)) => Err(error.into()),
        // It is gone on with once the server is there again.
        (Err(error @ RemoteError::Unreachable(_)), _) if is_resumed => Err(error),
        (Err(error), written) => {
            if let Ok(written) = written {
                io.fs.abandon(&written).await;
            }
            Err(error)
        }
    }
}

async fn place(io: &Io, fetch: &Fetch, written: &Written) -> Result<Fingerprint, FsError> {
    let name = fetch.name.as_str();
    let placed = match fetch.expected() {
        None => io.fs.place(written, name).await,
        Some(expected) => io.fs.replace(written, name, expected, &io.aside()).await,
    };
    if placed.is_err() {
        io.fs.abandon(written).await;
    }
    placed
}

/// A file that is being fetched.
struct Into {
    temp: Box<dyn Temp>,
    progress: Arc<dyn super::Progress>,
}

#[async_trait]
impl Sink for Into {
    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError> {
        let count = bytes.len() as u64;
        self.temp.write(bytes).await?;
        self.progress.event(Event::Moved { bytes: count });
        Ok(())
    }
}
