//! The line to the model of the server: requests and answers that take their time, overtake each other and get lost.

use async_trait::async_trait;
use bitvault_device::fs::FsError;
use bitvault_device::planner::{Content, Name, NodeId, RemoteNode};
use bitvault_device::remote::{Cursor, Key, Page, Remote, RemoteError, Sink, Told, Upload};
use bytes::{Bytes, BytesMut};
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;
use time::OffsetDateTime;

use crate::machine::Machine;
use crate::server::ModelRemote;
use crate::world::instant;

/// A client of the model at the end of such a line.
pub(crate) struct SimRemote {
    machine: Machine,
    server: ModelRemote,
}

impl SimRemote {
    /// From a machine to the server.
    pub(crate) fn new(machine: &Machine, server: ModelRemote) -> Self {
        Self {
            machine: machine.clone(),
            server,
        }
    }

    /// A call: its way there, what the server does, and the way back.
    async fn call<T: fmt::Debug>(
        &self,
        what: &'static str,
        with: &(dyn fmt::Debug + Sync),
        act: impl Future<Output = Result<T, RemoteError>> + Send,
    ) -> Result<T, RemoteError> {
        let (hub, number) = (&self.machine.hub, self.machine.number);
        let answered = match self.travel("request lost").await {
            Err(error) => Err(error),
            Ok(()) => {
                let answer = act.await;
                hub.tell(format_args!("server {what} of d{number} {with:?}: {answer:?}"));
                self.travel("answer lost").await.and(answer)
            }
        };
        if let Err(error) = &answered {
            hub.tell(format_args!("d{number} {what} {with:?} fails: {error}"));
        }
        answered
    }

    async fn travel(&self, family: &'static str) -> Result<(), RemoteError> {
        self.machine.hub.gate(self.machine.number).await;
        let (is_offline, is_revoked, losses) = {
            let machine = self.machine.lock();
            (machine.is_offline, machine.is_revoked, machine.losses)
        };
        if is_revoked {
            return Err(RemoteError::Revoked("signed out".to_owned()));
        }
        if is_offline || self.machine.hub.happens(losses) {
            self.machine.hub.met(family);
            return Err(RemoteError::Unreachable("the line was cut".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl Remote for SimRemote {
    /// The server's clock is right.
    fn time(&self) -> Option<OffsetDateTime> {
        Some(instant(self.machine.hub.now()))
    }

    async fn introduce(&self, known: Option<&str>, name: &str) -> Result<String, RemoteError> {
        self.call("introduce", &(known, name), self.server.introduce(known, name))
            .await
    }

    async fn changes(&self, cursor: Option<&Cursor>, wait: Duration) -> Result<Page, RemoteError> {
        let mut page = self
            .call("changes", &cursor, self.server.changes(cursor, wait))
            .await?;
        let partial = self.machine.lock().partial_listings;
        if cursor.is_none() && page.items.len() > 1 && self.machine.hub.happens(partial) {
            self.machine.hub.met("partial listing");
            let first = 1 + self.machine.hub.below(page.items.len() - 1);
            leave_out(&mut page, first);
        }
        Ok(page)
    }

    async fn node(&self, node: NodeId) -> Result<RemoteNode, RemoteError> {
        self.call("node", &node, self.server.node(node)).await
    }

    async fn create_folder(&self, key: &Key, parent: NodeId, name: &Name) -> Result<RemoteNode, RemoteError> {
        let created = self.server.create_folder(key, parent, name);
        self.call("create_folder", &(parent, name), created).await
    }

    async fn upload(&self, uploads: Vec<Upload>) -> Vec<Result<RemoteNode, RemoteError>> {
        let mut results = Vec::with_capacity(uploads.len());
        for upload in uploads {
            let with = (upload.to.clone(), upload.sha256);
            let sent = async {
                let sent = self.server.upload(vec![upload]).await;
                let nothing = || Err(RemoteError::Broken("no answer".to_owned()));
                sent.into_iter().next().unwrap_or_else(nothing)
            };
            results.push(self.call("upload", &with, sent).await);
        }
        results
    }

    async fn download(
        &self,
        node: NodeId,
        content: Content,
        from: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), RemoteError> {
        let fetched = async {
            let mut whole = Whole::default();
            self.server.download(node, content, from, &mut whole).await?;
            Ok(whole.0.freeze())
        };
        let bytes = self.call("download", &(node, content, from), fetched).await?;
        let half = bytes.len() / 2;
        sink.write(bytes.slice(..half)).await?;
        let short = self.machine.lock().short_downloads;
        if self.machine.hub.happens(short) {
            self.machine.hub.met("download ends too early");
            return Ok(());
        }
        self.travel("download cut").await?;
        sink.write(bytes.slice(half..)).await?;
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
        let moved = self.server.move_node(key, node, revision, parent, name);
        self.call("move_node", &(node, revision, parent, name), moved)
            .await
    }

    async fn delete(
        &self,
        key: &Key,
        node: NodeId,
        revision: i64,
        covers: &[(NodeId, i64)],
    ) -> Result<(), RemoteError> {
        let deleted = self.server.delete(key, node, revision, covers);
        self.call("delete", &(node, revision, covers), deleted).await
    }
}

/// Takes one node, with all below it, out of a listing.
fn leave_out(page: &mut Page, first: usize) {
    let mut gone = BTreeSet::new();
    let mut number = 0;
    page.items.retain(|item| {
        let is_first = number == first;
        number += 1;
        let Told::Upsert(node) = &item.what else {
            return true;
        };
        let is_gone = is_first || node.parent.is_some_and(|parent| gone.contains(&parent));
        if is_gone {
            gone.insert(node.id);
        }
        !is_gone
    });
}

/// Gathers a download.
#[derive(Default)]
struct Whole(BytesMut);

#[async_trait]
impl Sink for Whole {
    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError> {
        self.0.extend_from_slice(&bytes);
        Ok(())
    }
}
