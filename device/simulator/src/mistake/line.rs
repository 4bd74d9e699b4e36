//! Mistakes with the server.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bitvault_device::fs::FsError;
use bitvault_device::planner::{Cause, Content, Name, NodeId, RemoteNode, Sha256, UploadTo};
use bitvault_device::remote::{Change, Cursor, Key, Page, Remote, RemoteError, Sink, Told, Upload};
use bitvault_device::world::World;
use bytes::Bytes;
use sha2::Digest as _;
use time::OffsetDateTime;

use super::{Mistake, Mistaken};
use crate::server::ModelServer;

pub(super) struct WrongRemote {
    remote: Arc<dyn Remote>,
    world: Arc<dyn World>,
    mistaken: Mistaken,
    server: ModelServer,
}

impl WrongRemote {
    pub(super) fn new(
        remote: Arc<dyn Remote>,
        world: Arc<dyn World>,
        mistaken: Mistaken,
        server: ModelServer,
    ) -> Self {
        Self {
            remote,
            world,
            mistaken,
            server,
        }
    }

    /// Reads on after a backup as if nothing had happened.
    async fn other_epoch(&self, cursor: &Cursor) -> Result<Page, RemoteError> {
        let now = self.remote.changes(None, Duration::ZERO).await?.next;
        let epoch = now.0.split_once('.').map_or("0", |(epoch, _)| epoch);
        let seq = cursor.0.split_once('.').map_or("0", |(_, seq)| seq);
        let cursor = Cursor(format!("{epoch}.{seq}"));
        self.remote.changes(Some(&cursor), Duration::ZERO).await
    }

    /// Takes what the server no longer lists for deleted.
    async fn with_deletions(&self) -> Result<Page, RemoteError> {
        let mut page = self.remote.changes(None, Duration::ZERO).await?;
        let named = |id: &NodeId| {
            page.items
                .iter()
                .any(|item| matches!(&item.what, Told::Upsert(node) if node.id == *id))
        };
        let absent: Vec<NodeId> = self
            .mistaken
            .lock()
            .known
            .iter()
            .filter(|id| !named(id))
            .copied()
            .collect();
        page.items.extend(absent.into_iter().map(|id| Change {
            seq: 1,
            actor: None,
            what: Told::Remove(id, Cause::Trashed),
        }));
        Ok(page)
    }
}

#[async_trait]
impl Remote for WrongRemote {
    fn time(&self) -> Option<OffsetDateTime> {
        match self.mistaken.is(Mistake::TrustsItsClock) {
            true => Some(self.world.now()),
            false => self.remote.time(),
        }
    }

    async fn introduce(&self, known: Option<&str>, name: &str) -> Result<String, RemoteError> {
        self.remote.introduce(known, name).await
    }

    async fn changes(&self, cursor: Option<&Cursor>, wait: Duration) -> Result<Page, RemoteError> {
        let page = self.remote.changes(cursor, wait).await;
        let mut page = match (self.mistaken.mistake, page, cursor) {
            (Mistake::IgnoresEpoch, Err(RemoteError::EpochChanged), Some(cursor)) => {
                self.other_epoch(cursor).await?
            }
            (Mistake::TakesAbsenceForDeletion, Err(RemoteError::CursorExpired), _) => {
                self.with_deletions().await?
            }
            (_, page, _) => page?,
        };
        if self.mistaken.is(Mistake::DropsTombstones) {
            page.items.retain(|item| matches!(item.what, Told::Upsert(_)));
        }
        let mut memory = self.mistaken.lock();
        memory
            .known
            .extend(page.items.iter().filter_map(|item| match &item.what {
                Told::Upsert(node) => Some(node.id),
                Told::Remove(..) => None,
            }));
        Ok(page)
    }

    async fn node(&self, node: NodeId) -> Result<RemoteNode, RemoteError> {
        self.remote.node(node).await
    }

    async fn create_folder(&self, key: &Key, parent: NodeId, name: &Name) -> Result<RemoteNode, RemoteError> {
        self.remote.create_folder(key, parent, name).await
    }

    async fn upload(&self, mut uploads: Vec<Upload>) -> Vec<Result<RemoteNode, RemoteError>> {
        for upload in &mut uploads {
            if self.mistaken.is(Mistake::SendsWhatIsThere)
                && let Ok((bytes, sha256)) = upload.source.whole().await
            {
                upload.sha256 = sha256;
                upload.source = Arc::new(Read(bytes));
            }
            if self.mistaken.is(Mistake::UploadsOverAnything)
                && let UploadTo::Version { node, base } = &mut upload.to
                && let Ok(now) = self.remote.node(*node).await
                && let Some(content) = now.kind.content()
            {
                *base = content.version;
            }
        }
        self.remote.upload(uploads).await
    }

    async fn download(
        &self,
        node: NodeId,
        content: Content,
        from: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), RemoteError> {
        let mut hashing = Hashing {
            sink,
            hasher: sha2::Sha256::new(),
        };
        self.remote.download(node, content, from, &mut hashing).await?;
        if self.mistaken.is(Mistake::TrustsDownloads) {
            let arrived = Sha256(hashing.hasher.finalize().into());
            self.mistaken.lock().promised.insert(arrived, content.sha256);
        }
        Ok(())
    }

    async fn move_node(
        &self,
        key: &Key,
        node: NodeId,
        mut revision: i64,
        parent: NodeId,
        name: &Name,
    ) -> Result<RemoteNode, RemoteError> {
        if self.mistaken.is(Mistake::MovesUnseen) {
            revision = self.remote.node(node).await?.revision;
        }
        self.remote.move_node(key, node, revision, parent, name).await
    }

    async fn delete(
        &self,
        key: &Key,
        node: NodeId,
        revision: i64,
        covers: &[(NodeId, i64)],
    ) -> Result<(), RemoteError> {
        if self.mistaken.is(Mistake::DeletesUnseen) {
            let all = self.server.below(node);
            let revision = all.first().map_or(revision, |(_, revision)| *revision);
            return self.remote.delete(key, node, revision, &all).await;
        }
        self.remote.delete(key, node, revision, covers).await
    }
}

/// Hashes what passes.
struct Hashing<'a> {
    sink: &'a mut dyn Sink,
    hasher: sha2::Sha256,
}

#[async_trait]
impl Sink for Hashing<'_> {
    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError> {
        self.hasher.update(&bytes);
        self.sink.write(bytes).await
    }
}

/// A file that was read.
struct Read(Bytes);

#[async_trait]
impl bitvault_device::fs::Source for Read {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    async fn whole(&self) -> Result<(Bytes, Sha256), FsError> {
        Ok((self.0.clone(), self.hash().await?))
    }

    async fn hash(&self) -> Result<Sha256, FsError> {
        Ok(Sha256(sha2::Sha256::digest(&self.0).into()))
    }

    async fn still(&self) -> Result<(), FsError> {
        Ok(())
    }

    fn reopen(&self) -> Option<std::path::PathBuf> {
        None
    }
}
