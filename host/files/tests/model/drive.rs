//! Puts a request to the real service, and tells what it answered in the words of the model.

use crate::copies::copied;
use crate::model::{Key, User};
use crate::operation::CONTENTS;
use crate::request::{Answer, At, Outcome, Place, Quota, Remove, Request, TrashView, View, Wanted};
use crate::support::{committing, file, request, version};
use crate::tenant::{Tenant, content, role_name, role_of};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;
use bitvault_proto::v1::access_service_server::AccessService as _;
use bitvault_proto::v1::files_service_server::FilesService as _;
use bitvault_proto::v1::quota_service_server::QuotaService as _;
use bitvault_proto::v1::{
    commit_result, copy_node_response, delete_node_result, start_upload_result, update_node_result,
};

impl Tenant {
    /// What is made goes by `key`; it is also the idempotency key, where the verb takes one.
    pub(crate) async fn perform(&mut self, key: Key, user: User, asked: &Request) -> Outcome {
        let answer = self.try_perform(key, user, asked).await;
        answer.map_err(|error| match error.reason() {
            "internal" => format!("internal: {error}"),
            reason => reason.to_owned(),
        })
    }

    async fn try_perform(&mut self, key: Key, user: User, asked: &Request) -> Result<Answer, Error> {
        let ctx = self.ctx(user);
        let files = &self.world.files.clone();
        let idempotency_key = Some(format!("step {key}"));
        Ok(match asked {
            Request::CreateFolder { parent, name } => {
                let message = v1::CreateFolderRequest {
                    parent_id: self.at(*parent),
                    name: (*name).to_owned(),
                    idempotency_key,
                };
                let node = files.create_folder(request(&ctx, message)).await?.into_inner();
                self.nodes.learn(&node.id, key);
                Answer::Node(self.view(&node))
            }
            Request::Upload {
                wanted,
                content,
                commit,
            } => {
                self.start(&ctx, key, wanted, CONTENTS[*content as usize]).await?;
                if *commit {
                    Answer::Node(self.commit(&ctx, key).await?)
                } else {
                    Answer::Done
                }
            }
            Request::Commit { upload } => Answer::Node(self.commit(&ctx, *upload).await?),
            Request::Abort { upload } => {
                let id = self.uploads.id(*upload);
                files
                    .abort_upload(request(&ctx, v1::AbortUploadRequest { id }))
                    .await?;
                Answer::Done
            }
            Request::Update(item) => {
                let item = self.place(item);
                let message = v1::UpdateNodeRequest {
                    id: item.id,
                    name: item.name,
                    parent_id: item.parent_id,
                    revision: item.revision,
                    idempotency_key,
                };
                let node = files.update_node(request(&ctx, message)).await?.into_inner();
                Answer::Node(self.view(&node))
            }
            Request::UpdateMany(items) => {
                let message = v1::UpdateNodesRequest {
                    items: items.iter().map(|item| self.place(item)).collect(),
                    idempotency_key,
                };
                let answer = files.update_nodes(request(&ctx, message)).await?.into_inner();
                let results = answer.items.into_iter().filter_map(|item| item.result);
                let results = results.map(|result| match result {
                    update_node_result::Result::Node(node) => Ok(Some(self.view(&node))),
                    update_node_result::Result::Error(status) => Err(reason(status)),
                });
                Answer::Each(results.collect())
            }
            Request::Delete(item) => {
                let item = self.removal(item);
                let message = v1::DeleteNodeRequest {
                    id: item.id,
                    permanent: item.permanent,
                    revision: item.revision,
                    covers: None,
                };
                files.delete_node(request(&ctx, message)).await?;
                Answer::Done
            }
            Request::DeleteMany(items) => {
                let message = v1::DeleteNodesRequest {
                    items: items.iter().map(|item| self.removal(item)).collect(),
                    idempotency_key,
                };
                let answer = files.delete_nodes(request(&ctx, message)).await?.into_inner();
                let results = answer.items.into_iter().filter_map(|item| item.result);
                let results = results.map(|result| match result {
                    delete_node_result::Result::Deleted(_) => Ok(None),
                    delete_node_result::Result::Error(status) => Err(reason(status)),
                });
                Answer::Each(results.collect())
            }
            Request::Restore(item) => {
                let item = self.place(item);
                let message = v1::RestoreNodeRequest {
                    id: item.id,
                    parent_id: item.parent_id,
                    name: item.name,
                    revision: item.revision,
                    idempotency_key,
                };
                let node = files.restore_node(request(&ctx, message)).await?.into_inner();
                Answer::Node(self.view(&node))
            }
            Request::EmptyTrash { within } => {
                let message = v1::EmptyTrashRequest {
                    r#in: within.map(|at| self.at(at)),
                };
                let answer = files.empty_trash(request(&ctx, message)).await?.into_inner();
                assert!(!answer.more, "so little is removed by one call");
                Answer::Removed(answer.removed)
            }
            Request::ListTrash { within } => Answer::Trash(self.list_trash(user, *within, 2).await?),
            Request::PutGrant { node, subject, role } => {
                let message = v1::PutGrantRequest {
                    node_id: self.at(*node),
                    subject_id: self.subject(*subject),
                    role: role_name(*role),
                };
                files.put_grant(request(&ctx, message)).await?;
                Answer::Done
            }
            Request::DeleteGrant { node, subject } => {
                let message = v1::DeleteGrantRequest {
                    node_id: self.at(*node),
                    subject_id: self.subject(*subject),
                };
                files.delete_grant(request(&ctx, message)).await?;
                Answer::Done
            }
            Request::SetInheritance { node, inherits } => {
                let message = v1::SetInheritanceRequest {
                    node_id: self.at(*node),
                    inherits: *inherits,
                };
                files.set_inheritance(request(&ctx, message)).await?;
                Answer::Done
            }
            Request::ListGrants { node } => {
                let message = v1::ListGrantsRequest {
                    node_id: self.at(*node),
                };
                let answer = files.list_grants(request(&ctx, message)).await?.into_inner();
                let grants = answer.items.iter().filter_map(|grant| {
                    let subject = self.subject_of(&grant.subject_id);
                    Some((self.nodes.key(&grant.node_id), subject, role_of(&grant.role)?))
                });
                Answer::Grants {
                    grants: grants.collect(),
                    inherits: answer.inherits,
                    role: answer.role.as_deref().and_then(role_of),
                }
            }
            Request::PutMember { user } => {
                files.put_group_member(request(&ctx, self.member(*user))).await?;
                Answer::Done
            }
            Request::DeleteMember { user } => {
                files
                    .delete_group_member(request(&ctx, self.member(*user)))
                    .await?;
                Answer::Done
            }
            Request::Get { node } => {
                let node = self.world.get(&ctx, &self.at(*node)).await?;
                Answer::Node(self.view(&node))
            }
            Request::List { node } => Answer::Nodes(self.list(user, *node, 2).await?),
            Request::Lookup { below, path } => {
                let message = v1::LookupRequest {
                    path: path.clone(),
                    below: below.map(|at| self.at(at)),
                };
                let node = files.lookup(request(&ctx, message)).await?.into_inner();
                Answer::Node(self.view(&node))
            }
            Request::RestoreVersion {
                file,
                version,
                revision,
            } => {
                let message = v1::RestoreVersionRequest {
                    node_id: self.at(*file),
                    version_id: self.versions.id(*version),
                    revision: *revision,
                    idempotency_key,
                };
                let node = files.restore_version(request(&ctx, message)).await?.into_inner();
                self.learn(&node, key);
                Answer::Node(self.view(&node))
            }
            Request::DeleteVersion { file, version } => {
                let message = v1::DeleteVersionRequest {
                    node_id: self.at(*file),
                    version_id: self.versions.id(*version),
                };
                files.delete_version(request(&ctx, message)).await?;
                Answer::Done
            }
            Request::Copy { node, parent, name } => {
                let message = v1::CopyNodeRequest {
                    id: self.at(*node),
                    parent_id: self.at(*parent),
                    name: name.map(str::to_owned),
                    idempotency_key,
                };
                let copy = files.copy_node(request(&ctx, message)).await?.into_inner();
                let Some(copy_node_response::Result::Node(node)) = copy.result else {
                    panic!("so little is copied at once: {copy:?}");
                };
                self.learn_copy(&ctx, &node, key).await?;
                Answer::Node(self.view(&node))
            }
            Request::SetQuota { node, max } => {
                let message = v1::SetQuotaRequest {
                    node_id: self.at(*node),
                    max_bytes: *max,
                };
                let quota = files.set_quota(request(&ctx, message)).await?.into_inner();
                Answer::Quota(Quota {
                    max: quota.max_bytes,
                    used: quota.used_bytes,
                    reserved: quota.reserved_bytes,
                })
            }
            Request::DeleteQuota { node } => {
                let message = v1::DeleteQuotaRequest {
                    node_id: self.at(*node),
                };
                files.delete_quota(request(&ctx, message)).await?;
                Answer::Done
            }
            Request::Read { node, version } => Answer::Content(self.read(&ctx, *node, *version).await?),
        })
    }

    async fn start(&mut self, ctx: &Ctx, key: Key, wanted: &Wanted, bytes: &[u8]) -> Result<(), Error> {
        let item = match wanted {
            Wanted::File { parent, name } => file(&self.at(*parent), name, bytes),
            Wanted::Version { node, base } => {
                let base = base.map(|base| self.versions.id(base));
                version(&self.at(*node), base.as_deref(), bytes)
            }
        };
        let message = v1::StartUploadsRequest {
            items: vec![item],
            idempotency_key: None,
        };
        let mut answer = self
            .world
            .files
            .start_uploads(request(ctx, message))
            .await?
            .into_inner();
        let upload = match answer.items.remove(0).result.unwrap() {
            start_upload_result::Result::Upload(upload) => upload,
            start_upload_result::Result::Error(status) => return Err(status.into()),
        };
        self.uploads.learn(&upload.id, key);
        let presigned = upload.parts[0].request.as_ref().unwrap();
        let mut sent = self
            .http
            .request(presigned.method.parse().unwrap(), &presigned.url);
        for (name, value) in &presigned.headers {
            // The client sets the length itself, but leaves it out when it is 0.
            if name != "content-length" || bytes.is_empty() {
                sent = sent.header(name, value);
            }
        }
        let response = sent.body(bytes.to_vec()).send().await.unwrap();
        assert!(
            response.status().is_success(),
            "{}",
            response.text().await.unwrap()
        );
        Ok(())
    }

    async fn commit(&mut self, ctx: &Ctx, upload: Key) -> Result<View, Error> {
        let message = v1::CommitUploadsRequest {
            items: vec![committing(&self.uploads.id(upload))],
        };
        let mut answer = self
            .world
            .files
            .commit_uploads(request(ctx, message))
            .await?
            .into_inner();
        let node = match answer.items.remove(0).result.unwrap() {
            commit_result::Result::Node(node) => node,
            commit_result::Result::Error(status) => return Err(status.into()),
        };
        self.learn(&node, upload);
        Ok(self.view(&node))
    }

    /// A node and its version, where they are new.
    fn learn(&mut self, node: &v1::Node, key: Key) {
        self.nodes.learn(&node.id, key);
        if let Some(version) = &node.version {
            self.versions.learn(&version.id, key);
        }
    }

    /// A copy with all that is in it, as [`copied`] numbers it.
    async fn learn_copy(&mut self, ctx: &Ctx, top: &v1::Node, key: Key) -> Result<(), Error> {
        let mut open = vec![top.clone()];
        let mut place = 0;
        while let Some(node) = open.pop() {
            self.learn(&node, copied(key, place));
            place += 1;
            if node.kind() == v1::NodeKind::Folder {
                let message = v1::ListChildrenRequest {
                    id: node.id,
                    limit: 1000,
                    ..v1::ListChildrenRequest::default()
                };
                let page = self.world.files.list_children(request(ctx, message)).await?;
                open.extend(page.into_inner().items.into_iter().rev());
            }
        }
        Ok(())
    }

    fn place(&self, item: &Place) -> v1::NodeMove {
        v1::NodeMove {
            id: self.at(item.node),
            name: item.name.map(str::to_owned),
            parent_id: item.parent.map(|at| self.at(at)),
            revision: item.revision,
        }
    }

    fn removal(&self, item: &Remove) -> v1::NodeDelete {
        v1::NodeDelete {
            id: self.at(item.node),
            permanent: item.permanent,
            revision: item.revision,
            covers: None,
        }
    }

    /// A folder's children, read in pages of `limit`.
    pub(crate) async fn list(&self, user: User, folder: At, limit: u32) -> Result<Vec<View>, Error> {
        let (ctx, mut views, mut cursor) = (self.ctx(user), Vec::new(), None);
        loop {
            let message = v1::ListChildrenRequest {
                id: self.at(folder),
                limit,
                cursor,
                ..v1::ListChildrenRequest::default()
            };
            let page = self
                .world
                .files
                .list_children(request(&ctx, message))
                .await?
                .into_inner();
            views.extend(self.views(&page.items));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(views);
            }
        }
    }

    /// What is in the trash, read in pages of `limit`.
    pub(crate) async fn list_trash(
        &self,
        user: User,
        within: Option<At>,
        limit: u32,
    ) -> Result<Vec<TrashView>, Error> {
        let (ctx, mut views, mut cursor) = (self.ctx(user), Vec::new(), None);
        loop {
            let message = v1::ListTrashRequest {
                r#in: within.map(|at| self.at(at)),
                limit,
                cursor,
            };
            let page = self
                .world
                .files
                .list_trash(request(&ctx, message))
                .await?
                .into_inner();
            views.extend(page.items.into_iter().map(|item| TrashView {
                at: 0,
                view: self.view(&item.node.unwrap_or_default()),
                by: self.user(&item.trashed_by.unwrap_or_default()),
                origin: item.origin_id.as_ref().map(|id| self.nodes.key(id)),
                path: item.origin_path,
            }));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(views);
            }
        }
    }

    async fn read(&self, ctx: &Ctx, node: At, version: Option<Key>) -> Result<u8, Error> {
        let message = v1::GetContentRequest {
            node_id: self.at(node),
            version_id: version.map(|key| self.versions.id(key)),
            attachment: false,
        };
        let found = self
            .world
            .files
            .get_content(request(ctx, message))
            .await?
            .into_inner();
        let url = found.request.unwrap_or_default().url;
        let bytes = self.http.get(url).send().await.unwrap().bytes().await.unwrap();
        let said = content(found.size, &found.sha256);
        let same = CONTENTS.get(said as usize).is_some_and(|known| *known == bytes);
        Ok(if same { said } else { u8::MAX })
    }
}

fn reason(status: impl Into<Error>) -> String {
    status.into().reason().to_owned()
}
