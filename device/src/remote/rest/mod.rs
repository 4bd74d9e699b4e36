//! The server behind its REST API, by the client that CLI and web app use.
//!
//! Invariants: repeats within a call, tokens and presigned requests are the client's business. A small file's content is in
//! memory once; a large one is opened again through its open file, so that another file of the same name is never sent.
//!
//! Limits: an upload has no key across processes: a repeat is refused by the name or the base version that the first one
//! took, and the journal tells of it.

mod translate;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bitvault_api::limits::{BATCH_ITEMS, PAGE_ITEMS_MAX};
use bitvault_api::{ContentItem, ContentResult, CreateDevice, CreateFolder, UpdateNode};
use bitvault_client::transfer::{FileJob, KnownFile, Origin, Transfer};
use bitvault_client::{Changes, Client};
use bitvault_planner::{Content, Name, NodeId, RemoteNode, UploadTo, VersionId};
use futures::StreamExt as _;
use time::OffsetDateTime;

use super::{Cursor, Key, Page, Remote, RemoteError, Sink, Upload};
use crate::fs::FsError;
use translate::{change, conflict_of, covered, device_name, failed, node, place};

/// Larger files are sent singly, in bytes.
const SMALL_BYTES: u64 = 4 * 1024 * 1024;
/// Most small files in one batch.
const BATCH_FILES: usize = 250;

/// What was foreseen and then not fetched does not pile up beyond so many versions.
const FORESEEN_MOST: usize = 4 * BATCH_ITEMS;

/// A server behind its REST API, and the account that is signed in there.
pub struct RestRemote {
    client: Client,
    transfer: Transfer,
    /// Its id on the server, and what it calls itself.
    device: Mutex<Option<(String, String)>>,
    /// Where the bytes of versions are that are about to be fetched.
    foreseen: Mutex<HashMap<(NodeId, VersionId), bitvault_api::Content>>,
}

impl RestRemote {
    /// The server of this transfer engine's client.
    pub fn new(transfer: Transfer) -> Self {
        Self {
            client: transfer.client().clone(),
            transfer,
            device: Mutex::new(None),
            foreseen: Mutex::default(),
        }
    }

    fn device(&self) -> Option<(String, String)> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn foreseen(&self) -> MutexGuard<'_, HashMap<(NodeId, VersionId), bitvault_api::Content>> {
        self.foreseen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn origin(&self, upload: &Upload) -> Origin {
        let device = self.device().and_then(|(_, name)| device_name(&name));
        Origin {
            // A conflict is told with the device that has it.
            conflict_of: device.as_ref().and(upload.conflict_of.map(conflict_of)),
            device,
        }
    }

    /// Small files of one batch; an answer for each, in order.
    async fn send_batch(&self, uploads: &[&Upload]) -> Vec<Result<RemoteNode, RemoteError>> {
        let mut answers: Vec<Option<Result<RemoteNode, RemoteError>>> = Vec::new();
        let mut files = Vec::new();
        for upload in uploads {
            match upload.source.whole().await {
                Ok((bytes, sha256)) if sha256 == upload.sha256 => {
                    files.push(KnownFile {
                        place: place(&upload.to),
                        origin: self.origin(upload),
                        bytes,
                        sha256: sha256.to_string(),
                    });
                    answers.push(None);
                }
                Ok(_) => answers.push(Some(Err(FsError::Changed.into()))),
                Err(error) => answers.push(Some(Err(error.into()))),
            }
        }
        let mut sent = self.transfer.put_known(files).await.into_iter();
        answers
            .into_iter()
            .map(|answer| match (answer, sent.len()) {
                (Some(answer), _) => answer,
                (None, _) => match sent.next() {
                    Some(Ok(sent)) => node(&sent),
                    Some(Err(error)) => Err(failed(&error)),
                    None => Err(RemoteError::Broken("a file of a batch got no answer".to_owned())),
                },
            })
            .collect()
    }

    async fn send_large(&self, upload: &Upload) -> Result<RemoteNode, RemoteError> {
        let Some(local) = upload.source.reopen() else {
            let mut answers = self.send_batch(&[upload]).await;
            return answers
                .pop()
                .unwrap_or_else(|| Err(RemoteError::Broken("no answer".to_owned())));
        };
        let job = FileJob {
            local,
            remote: match &upload.to {
                UploadTo::New { parent, name } => format!("{parent}/{name}"),
                UploadTo::Version { node, .. } => node.to_string(),
            },
            place: place(&upload.to),
            origin: self.origin(upload),
        };
        let sent = self.transfer.put_exactly(&job, &upload.sha256.to_string()).await;
        node(&sent.map_err(|error| failed(&error))?)
    }
}

#[async_trait]
impl Remote for RestRemote {
    fn time(&self) -> Option<OffsetDateTime> {
        let seconds = self.client.server_time()?;
        OffsetDateTime::from_unix_timestamp(seconds.try_into().ok()?).ok()
    }

    async fn introduce(&self, known: Option<&str>, name: &str) -> Result<String, RemoteError> {
        let known = match known {
            Some(known) => match self.client.device(known).await {
                Ok(device) => Some(device.id),
                Err(error) if error.code() == Some(bitvault_api::Code::NotFound) => None,
                Err(error) => return Err(failed(&error)),
            },
            None => None,
        };
        let id = match known {
            Some(id) => id,
            None => {
                let device = CreateDevice {
                    name: name.to_owned(),
                    platform: Some(std::env::consts::OS.to_owned()),
                };
                let made = self.client.create_device(&device).await;
                made.map_err(|error| failed(&error))?.id
            }
        };
        *self.device.lock().unwrap_or_else(PoisonError::into_inner) = Some((id.clone(), name.to_owned()));
        Ok(id)
    }

    async fn changes(&self, cursor: Option<&Cursor>, wait: Duration) -> Result<Page, RemoteError> {
        let wanted = Changes {
            cursor: cursor.map(|cursor| cursor.0.clone()),
            wait,
            limit: Some(PAGE_ITEMS_MAX),
            device: self.device().map(|(id, _)| id),
        };
        let page = self
            .client
            .changes(&wanted)
            .await
            .map_err(|error| translate::unread(&error))?;
        Ok(Page {
            items: page.items.iter().map(change).collect::<Result<_, _>>()?,
            next: Cursor(page.next_cursor),
            has_more: page.has_more,
        })
    }

    async fn node(&self, id: NodeId) -> Result<RemoteNode, RemoteError> {
        let found = self.client.node(&id.to_string()).await;
        node(&found.map_err(|error| failed(&error))?)
    }

    async fn create_folder(&self, key: &Key, parent: NodeId, name: &Name) -> Result<RemoteNode, RemoteError> {
        let folder = CreateFolder {
            parent_id: parent.to_string(),
            name: name.to_string(),
        };
        let made = self.client.create_folder_once(&key.0, &folder).await;
        node(&made.map_err(|error| failed(&error))?)
    }

    async fn upload(&self, uploads: Vec<Upload>) -> Vec<Result<RemoteNode, RemoteError>> {
        let mut answers: Vec<Option<Result<RemoteNode, RemoteError>>> =
            uploads.iter().map(|_| None).collect();
        let (small, large): (Vec<usize>, Vec<usize>) = (0..uploads.len()).partition(|index| {
            uploads
                .get(*index)
                .is_some_and(|upload| upload.source.size() <= SMALL_BYTES)
        });
        for batch in small.chunks(BATCH_FILES) {
            let files: Vec<&Upload> = batch.iter().filter_map(|index| uploads.get(*index)).collect();
            for (index, answer) in batch.iter().zip(self.send_batch(&files).await) {
                if let Some(place) = answers.get_mut(*index) {
                    *place = Some(answer);
                }
            }
        }
        for index in large {
            if let (Some(upload), Some(place)) = (uploads.get(index), answers.get_mut(index)) {
                *place = Some(self.send_large(upload).await);
            }
        }
        let unanswered = || Err(RemoteError::Broken("a file got no answer".to_owned()));
        answers
            .into_iter()
            .map(|answer| answer.unwrap_or_else(unanswered))
            .collect()
    }

    async fn foresee(&self, wanted: &[(NodeId, VersionId)]) {
        for wanted in wanted.chunks(BATCH_ITEMS) {
            let items = wanted.iter().map(|(node, version)| ContentItem {
                id: node.to_string(),
                version_id: Some(version.to_string()),
            });
            match self.client.contents(items.collect()).await {
                Ok(found) => {
                    let mut foreseen = self.foreseen();
                    if foreseen.len() > FORESEEN_MOST {
                        foreseen.clear();
                    }
                    for (wanted, found) in wanted.iter().zip(found) {
                        if let ContentResult::Content(content) = found {
                            foreseen.insert(*wanted, content);
                        }
                    }
                }
                Err(error) => tracing::debug!(%error, "ask for many contents at once"),
            }
        }
    }

    async fn download(
        &self,
        node: NodeId,
        content: Content,
        from: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), RemoteError> {
        let (id, version) = (node.to_string(), content.version.to_string());
        let foreseen = self.foreseen().remove(&(node, content.version));
        let version = match foreseen {
            Some(known) => self.transfer.version_at(&id, &version, known),
            None => {
                let asked = self.transfer.version(&id, &version).await;
                asked.map_err(|error| failed(&error))?
            }
        };
        let mut bytes = std::pin::pin!(version.bytes(from..content.size));
        while let Some(piece) = bytes.next().await {
            sink.write(piece.map_err(|error| failed(&error))?).await?;
        }
        Ok(())
    }

    async fn move_node(
        &self,
        key: &Key,
        id: NodeId,
        revision: i64,
        parent: NodeId,
        name: &Name,
    ) -> Result<RemoteNode, RemoteError> {
        let change = UpdateNode {
            name: Some(name.to_string()),
            parent_id: Some(parent.to_string()),
        };
        let moved = self
            .client
            .update_node_at(&key.0, &id.to_string(), revision, &change)
            .await;
        node(&moved.map_err(|error| failed(&error))?)
    }

    async fn delete(
        &self,
        key: &Key,
        node: NodeId,
        revision: i64,
        covers: &[(NodeId, i64)],
    ) -> Result<(), RemoteError> {
        self.client
            .delete_node_at(&key.0, &node.to_string(), revision, &covered(covers))
            .await
            .map_err(|error| failed(&error))
    }
}
