//! The model behind the engine's trait.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use bitvault_device::planner::{AccountId, Content, Name, NodeId, RemoteNode};
use bitvault_device::remote::{Cursor, Key, Page, Refusal, Remote, RemoteError, Sink, Upload};
use time::OffsetDateTime;

use super::tree::{Inner, refused};
use super::{Fault, Faults, ModelServer};

/// A client of the model.
#[derive(Clone)]
pub struct ModelRemote {
    server: ModelServer,
    account: AccountId,
    faults: Arc<dyn Faults>,
}

impl ModelRemote {
    pub(super) fn new(server: ModelServer, account: AccountId, faults: Arc<dyn Faults>) -> Self {
        Self {
            server,
            account,
            faults,
        }
    }

    fn call<T>(
        &self,
        name: &'static str,
        act: impl FnOnce(&mut Inner) -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        let lost = || RemoteError::Unreachable("the line was cut".to_owned());
        let fault = self.faults.next(name);
        if fault == Some(Fault::LoseRequest) {
            return Err(lost());
        }
        if fault == Some(Fault::Fail) {
            return Err(RemoteError::Broken("500 internal error".to_owned()));
        }
        let (result, has_told) = {
            let mut inner = self.server.lock();
            let told = inner.journal_len();
            let result = act(&mut inner);
            (result, inner.journal_len() != told)
        };
        if has_told {
            self.server.wake();
        }
        match fault {
            Some(Fault::LoseAnswer) => Err(lost()),
            _ => result,
        }
    }

    /// Waits for ever if the call is one that never ends.
    async fn end(&self, name: &'static str) {
        if self.faults.never_ends(name) {
            std::future::pending().await
        }
    }

    /// A change that acts once for each key.
    fn change(
        &self,
        name: &'static str,
        key: &Key,
        act: impl FnOnce(&mut Inner) -> Result<RemoteNode, RemoteError>,
    ) -> Result<RemoteNode, RemoteError> {
        self.call(name, |inner| {
            if let Some(answer) = inner.answered(&key.0) {
                return Ok(answer);
            }
            let node = act(inner)?;
            inner.answer(&key.0, &node);
            Ok(node)
        })
    }
}

#[async_trait]
impl Remote for ModelRemote {
    /// No clock runs here.
    fn time(&self) -> Option<OffsetDateTime> {
        None
    }

    async fn introduce(&self, known: Option<&str>, name: &str) -> Result<String, RemoteError> {
        self.call("introduce", |_| Ok(known.unwrap_or(name).to_owned()))
    }

    /// A call that waits does so until there is something to tell: no clock runs here.
    async fn changes(&self, cursor: Option<&Cursor>, wait: Duration) -> Result<Page, RemoteError> {
        std::future::poll_fn(|context| {
            let page = self.call("changes", |inner| inner.changes(cursor));
            match page {
                Ok(page) if page.items.is_empty() && !wait.is_zero() => {
                    self.server.waiting().push(context.waker().clone());
                    Poll::Pending
                }
                page => Poll::Ready(page),
            }
        })
        .await
    }

    async fn node(&self, node: NodeId) -> Result<RemoteNode, RemoteError> {
        self.call("node", |inner| {
            let node = inner.live(node).cloned();
            node.ok_or_else(|| refused(Refusal::NotFound, "there is no such node"))
        })
    }

    async fn create_folder(&self, key: &Key, parent: NodeId, name: &Name) -> Result<RemoteNode, RemoteError> {
        self.change("create_folder", key, |inner| {
            inner.create_folder(self.account, parent, name)
        })
    }

    async fn upload(&self, uploads: Vec<Upload>) -> Vec<Result<RemoteNode, RemoteError>> {
        let mut results = Vec::with_capacity(uploads.len());
        for upload in uploads {
            let sent = match upload.source.whole().await {
                Ok((bytes, _)) => self.change("upload", &upload.key, |inner| {
                    inner.upload(self.account, &upload.to, upload.sha256, bytes)
                }),
                Err(error) => Err(error.into()),
            };
            results.push(sent);
        }
        self.end("upload").await;
        results
    }

    async fn download(
        &self,
        node: NodeId,
        content: Content,
        from: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), RemoteError> {
        let bytes = self.call("download", |inner| {
            let bytes = inner.live(node).and_then(|_| inner.content(content.version));
            bytes.ok_or_else(|| refused(Refusal::NotFound, "there is no such version"))
        })?;
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
        sink.write(bytes.slice(from..)).await?;
        self.end("download").await;
        Ok(())
    }

    async fn move_node(
        &self,
        key: &Key,
        node: NodeId,
        revision: i64,
        parent: NodeId,
        name: &Name,
    ) -> Result<RemoteNode, RemoteError> {
        self.change("move_node", key, |inner| {
            inner.move_node(self.account, node, revision, parent, name)
        })
    }

    async fn delete(
        &self,
        _key: &Key,
        node: NodeId,
        revision: i64,
        covers: &[(NodeId, i64)],
    ) -> Result<(), RemoteError> {
        self.call("delete", |inner| {
            inner.delete(self.account, node, revision, covers)
        })
    }
}
