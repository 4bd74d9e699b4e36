//! Sync and files as a daemon runs them, without a store: uploads and content are written into the tables, as a start and a
//! commit would.

use crate::store;
use bitvault_files::Files;
use bitvault_platform::bus::InProcess;
use bitvault_platform::db::DbRole;
use bitvault_platform::ids::{AccountId, NodeId, SessionId, TenantId, UploadId, VersionId};
use bitvault_platform::rpc::{Signer, Transport, guard, local};
use bitvault_platform::{Clock, Ctx, Error, Role};
use bitvault_proto::internal::v1::feed_service_server::FeedServiceServer;
use bitvault_proto::internal::v1::folders_service_server::FoldersServiceServer;
use bitvault_proto::internal::v1::index_service_server::IndexServiceServer;
use bitvault_proto::v1;
use bitvault_proto::v1::access_service_server::AccessService as _;
use bitvault_proto::v1::files_service_server::{FilesService as _, FilesServiceServer};
use bitvault_proto::v1::metadata_service_server::MetadataService as _;
use bitvault_proto::v1::sync_service_server::SyncService as _;
use bitvault_sync::{Config, Sync};
use bitvault_testing::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::collections::BTreeMap;
use std::sync::Arc;
use time::OffsetDateTime;
use tonic::service::Routes;
use tower::BoxError;
use tower::util::BoxCloneSyncService;

/// Both modules on a database of their own.
pub(crate) struct World {
    pub(crate) files: Files,
    to_files: Transport,
    pub(crate) sync: Sync,
    pub(crate) database: Arc<TestDatabase>,
    pub(crate) bus: Arc<InProcess>,
    pub(crate) clock: Clock,
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
}

/// What an upload is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sent<'a> {
    File { parent: &'a str, name: &'a str },
    Version { node: &'a str, base: &'a str },
}

/// What is seen of a node: its folder, its name, its revision, and the role there.
pub(crate) type Seen = (Option<String>, String, i64, String);

/// What somebody knows who has taken in every page so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) nodes: BTreeMap<String, Seen>,
    pub(crate) cursor: Option<String>,
}

impl Known {
    /// Takes a page in.
    pub(crate) fn take(&mut self, page: &v1::ListChangesResponse) {
        for change in &page.items {
            match change.kind() {
                v1::ChangeKind::Upsert => {
                    let node = change.node.clone().expect("an upsert has a node");
                    assert_eq!(node.id, change.node_id);
                    let role = change.role.clone().expect("an upsert has a role");
                    self.nodes
                        .insert(node.id, (node.parent_id, node.name, node.revision, role));
                }
                v1::ChangeKind::Remove => self.remove(&change.node_id),
                v1::ChangeKind::Unspecified => panic!("{change:?}"),
            }
        }
        self.cursor = Some(page.next_cursor.clone());
    }

    fn remove(&mut self, id: &str) {
        self.nodes.remove(id);
        let below = |(_, (parent, ..)): &(&String, &Seen)| parent.as_deref() == Some(id);
        let below: Vec<String> = self
            .nodes
            .iter()
            .filter(below)
            .map(|(id, _)| id.clone())
            .collect();
        for id in below {
            self.remove(&id);
        }
    }

    /// Names, sorted.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.nodes.values().map(|(_, name, ..)| name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let database = Arc::new(TestDatabase::new().await.unwrap());
        let at = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        let clock = Clock::fixed(at);
        let bus = Arc::new(InProcess::default());
        // No tenant that settled anything.
        let nothing: Transport =
            BoxCloneSyncService::new(tower::service_fn(|_: http::Request<tonic::body::Body>| {
                std::future::ready(Err::<http::Response<tonic::body::Body>, BoxError>(
                    "there is nothing".into(),
                ))
            }));
        let files = Files::new(
            bitvault_files::Config::default(),
            database.pool(DbRole::Files).unwrap(),
            database.pool(DbRole::Worker).unwrap(),
            store::with_all(),
            nothing,
            bus.clone(),
            clock.clone(),
        )
        .unwrap();
        let signer = Signer::ephemeral(Clock::system()).unwrap();
        let routes = Routes::new(FeedServiceServer::new(files.clone()))
            .add_service(FoldersServiceServer::new(files.clone()))
            .add_service(IndexServiceServer::new(files.clone()))
            .add_service(FilesServiceServer::new(files.clone()));
        let to_files = local(guard(routes.prepare(), "files", signer.clone()), signer);
        let pool = database.pool(DbRole::Sync).unwrap();
        let sync = Sync::new(config, pool, to_files.clone(), clock.clone()).unwrap();
        Self {
            files,
            to_files,
            sync,
            database,
            bus,
            clock,
            tenant: TenantId::new(),
            account: AccountId::new(),
        }
    }

    /// The module sync in another process: it remembers nothing.
    pub(crate) fn another_process(&self) -> Sync {
        let pool = self.database.pool(DbRole::Sync).unwrap();
        Sync::new(Config::default(), pool, self.to_files.clone(), self.clock.clone()).unwrap()
    }

    /// The same modules, for somebody of another tenant.
    pub(crate) fn another_tenant(&self) -> Self {
        Self {
            files: self.files.clone(),
            to_files: self.to_files.clone(),
            sync: self.sync.clone(),
            database: Arc::clone(&self.database),
            bus: Arc::clone(&self.bus),
            clock: self.clock.clone(),
            tenant: TenantId::new(),
            account: AccountId::new(),
        }
    }

    /// Who runs the tenant.
    pub(crate) fn ctx(&self) -> Ctx {
        Ctx::account(self.tenant, self.account, SessionId::new(), Role::Admin)
    }

    /// Somebody else.
    pub(crate) fn member(&self, account: AccountId) -> Ctx {
        Ctx::account(self.tenant, account, SessionId::new(), Role::Member)
    }

    /// Runs SQL as the administrator, who is bound by no policy.
    pub(crate) async fn admin(&self, sql: &str) {
        let mut admin = PgConnection::connect(&self.database.admin_url()).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&mut admin)
            .await
            .unwrap();
        admin.close().await.unwrap();
    }

    pub(crate) async fn count(&self, sql: &str) -> i64 {
        let mut admin = PgConnection::connect(&self.database.admin_url()).await.unwrap();
        let count = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(&mut admin)
            .await
            .unwrap();
        admin.close().await.unwrap();
        count
    }

    // --- files

    pub(crate) async fn try_mkdir(&self, ctx: &Ctx, parent: &str, name: &str) -> Result<v1::Node, Error> {
        let message = v1::CreateFolderRequest {
            parent_id: parent.to_owned(),
            name: name.to_owned(),
            idempotency_key: None,
        };
        Ok(self.files.create_folder(ctx.request(message)).await?.into_inner())
    }

    pub(crate) async fn mkdir(&self, ctx: &Ctx, parent: &str, name: &str) -> String {
        self.try_mkdir(ctx, parent, name).await.unwrap().id
    }

    pub(crate) async fn mv(
        &self,
        ctx: &Ctx,
        node: &str,
        name: Option<&str>,
        parent: Option<&str>,
    ) -> Result<(), Error> {
        let message = v1::UpdateNodeRequest {
            id: node.to_owned(),
            name: name.map(str::to_owned),
            parent_id: parent.map(str::to_owned),
            ..v1::UpdateNodeRequest::default()
        };
        self.files.update_node(ctx.request(message)).await?;
        Ok(())
    }

    pub(crate) async fn rm(&self, ctx: &Ctx, node: &str, permanent: bool) -> Result<(), Error> {
        let message = v1::DeleteNodeRequest {
            id: node.to_owned(),
            permanent,
            revision: None,
            covers: None,
        };
        self.files.delete_node(ctx.request(message)).await?;
        Ok(())
    }

    pub(crate) async fn restore(&self, ctx: &Ctx, node: &str, parent: Option<&str>) -> Result<(), Error> {
        let message = v1::RestoreNodeRequest {
            id: node.to_owned(),
            parent_id: parent.map(str::to_owned),
            ..v1::RestoreNodeRequest::default()
        };
        self.files.restore_node(ctx.request(message)).await?;
        Ok(())
    }

    pub(crate) async fn copy(&self, ctx: &Ctx, node: &str, parent: &str) -> Result<(), Error> {
        let message = v1::CopyNodeRequest {
            id: node.to_owned(),
            parent_id: parent.to_owned(),
            ..v1::CopyNodeRequest::default()
        };
        self.files.copy_node(ctx.request(message)).await?;
        Ok(())
    }

    /// Changes what a node carries.
    pub(crate) async fn touch(&self, ctx: &Ctx, node: &str, tag: &str) -> Result<(), Error> {
        let message = v1::UpdateMetadataRequest {
            node_id: node.to_owned(),
            add_tags: vec![tag.to_owned()],
            ..v1::UpdateMetadataRequest::default()
        };
        self.files.update_metadata(ctx.request(message)).await?;
        Ok(())
    }

    /// A file, as a commit leaves it in the tables.
    pub(crate) async fn put(&self, ctx: &Ctx, parent: &str, name: &str) -> String {
        let parent = match parent {
            "root" => NodeId(ctx.account_id().unwrap().0),
            id => id.parse().unwrap(),
        };
        let (tenant, account) = (self.tenant.0, ctx.account_id().unwrap().0);
        // The home is made when it is looked at.
        let home = v1::GetNodeRequest {
            id: "root".to_owned(),
        };
        self.files.get_node(ctx.request(home)).await.unwrap();
        let node = NodeId::new();
        let [version, object, blob] = [(); 3].map(|()| NodeId::new().0);
        let now = format!("to_timestamp({})", self.clock.now().unix_timestamp());
        self.admin(&format!(
            "BEGIN;
             INSERT INTO files.objects (tenant_id, id, key, size, state, state_at, expires_at, is_multipart)
             VALUES ('{tenant}', '{object}', '{object}', 1, 'committed', {now}, {now}, false);
             INSERT INTO files.blobs (tenant_id, id, object_id, \"offset\", length, sha256, sha256_verified, created_at)
             VALUES ('{tenant}', '{blob}', '{object}', 0, 1, sha256('x'), true, {now});
             INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, current_version, created_at,
                                      created_by, updated_at, updated_by)
             VALUES ('{tenant}', '{0}', '{1}', 'file', '{name}', lower('{name}'), '{version}', {now}, '{account}', {now},
                     '{account}');
             INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, created_at)
             VALUES ('{tenant}', '{version}', '{0}', '{blob}', 'text/plain', {now});
             UPDATE files.journal_heads SET seq = seq + 1 WHERE tenant_id = '{tenant}';
             INSERT INTO files.journal (tenant_id, seq, node_id, kind, revision, actor, at, from_id)
             SELECT '{tenant}', seq, '{0}', 'created', 1, '{account}', {now}, '{1}'
             FROM files.journal_heads WHERE tenant_id = '{tenant}';
             COMMIT",
            node.0, parent.0
        ))
        .await;
        node.to_string()
    }

    /// An upload of a file by its folder and name, or of a version by its file and base, whose byte has been sent.
    pub(crate) async fn sent(&self, ctx: &Ctx, target: Sent<'_>) -> String {
        let (tenant, account) = (self.tenant.0, ctx.account_id().unwrap().0);
        let (upload, object) = (UploadId::new(), NodeId::new().0);
        let now = format!("to_timestamp({})", self.clock.now().unix_timestamp());
        let (columns, values) = match target {
            Sent::File { parent, name } => {
                let parent = parent.parse::<NodeId>().unwrap().0;
                let columns = "parent_id, name, name_key";
                (columns, format!("'{parent}', '{name}', lower('{name}')"))
            }
            Sent::Version { node, base } => {
                let (node, base) = (
                    node.parse::<NodeId>().unwrap(),
                    base.parse::<VersionId>().unwrap(),
                );
                ("node_id, base_version", format!("'{}', '{}'", node.0, base.0))
            }
        };
        self.admin(&format!(
            "BEGIN;
             INSERT INTO files.objects (tenant_id, id, key, size, state, state_at, expires_at, is_multipart)
             VALUES ('{tenant}', '{object}', '{object}', 1, 'staging', {now}, {now} + interval '1 day', false);
             INSERT INTO files.uploads (tenant_id, id, object_id, account_id, size, sha256, content_type, part_size,
                                        part_count, created_at, {columns})
             VALUES ('{tenant}', '{0}', '{object}', '{account}', 1, sha256('x'), 'text/plain', 1, 1, {now}, {values});
             COMMIT",
            upload.0
        ))
        .await;
        upload.to_string()
    }

    /// The version that a file has.
    pub(crate) async fn version(&self, ctx: &Ctx, node: &str) -> String {
        let message = v1::GetNodeRequest { id: node.to_owned() };
        let node = self
            .files
            .get_node(ctx.request(message))
            .await
            .unwrap()
            .into_inner();
        node.version.unwrap().id
    }

    // --- access

    pub(crate) async fn grant(&self, ctx: &Ctx, node: &str, subject: &str, role: &str) -> Result<(), Error> {
        let message = v1::PutGrantRequest {
            node_id: node.to_owned(),
            subject_id: subject.to_owned(),
            role: role.to_owned(),
        };
        self.files.put_grant(ctx.request(message)).await?;
        Ok(())
    }

    pub(crate) async fn ungrant(&self, ctx: &Ctx, node: &str, subject: &str) -> Result<(), Error> {
        let message = v1::DeleteGrantRequest {
            node_id: node.to_owned(),
            subject_id: subject.to_owned(),
        };
        self.files.delete_grant(ctx.request(message)).await?;
        Ok(())
    }

    pub(crate) async fn inherit(&self, ctx: &Ctx, node: &str, inherits: bool) -> Result<(), Error> {
        let message = v1::SetInheritanceRequest {
            node_id: node.to_owned(),
            inherits,
        };
        self.files.set_inheritance(ctx.request(message)).await?;
        Ok(())
    }

    pub(crate) async fn group(&self, name: &str) -> String {
        let message = v1::CreateGroupRequest {
            name: name.to_owned(),
        };
        let group = self.files.create_group(self.ctx().request(message)).await;
        group.unwrap().into_inner().id
    }

    pub(crate) async fn join(&self, group: &str, account: AccountId, joins: bool) -> Result<(), Error> {
        let message = v1::GroupMemberRequest {
            group_id: group.to_owned(),
            account_id: account.to_string(),
        };
        let request = self.ctx().request(message);
        if joins {
            self.files.put_group_member(request).await?;
        } else {
            self.files.delete_group_member(request).await?;
        }
        Ok(())
    }

    // --- sync

    pub(crate) async fn changes(
        &self,
        ctx: &Ctx,
        request: v1::ListChangesRequest,
    ) -> Result<v1::ListChangesResponse, Error> {
        Ok(self.sync.list_changes(ctx.request(request)).await?.into_inner())
    }

    /// The next page for somebody, which it takes in.
    pub(crate) async fn pull(&self, ctx: &Ctx, known: &mut Known, limit: u32) -> v1::ListChangesResponse {
        let request = v1::ListChangesRequest {
            cursor: known.cursor.clone(),
            limit,
            ..v1::ListChangesRequest::default()
        };
        let page = self.changes(ctx, request).await.unwrap();
        known.take(&page);
        page
    }

    /// Reads to the end; answers every change.
    pub(crate) async fn catch_up(&self, ctx: &Ctx, known: &mut Known) -> Vec<v1::Change> {
        let mut all = Vec::new();
        for _ in 0..1000 {
            let page = self.pull(ctx, known, 0).await;
            all.extend(page.items);
            if !page.has_more {
                return all;
            }
        }
        panic!("it does not come to an end");
    }

    /// All that somebody sees now.
    pub(crate) async fn snapshot(&self, ctx: &Ctx) -> Known {
        let mut known = Known::default();
        self.catch_up(ctx, &mut known).await;
        known
    }

    pub(crate) async fn device(&self, ctx: &Ctx, name: &str, key: Option<&str>) -> Result<v1::Device, Error> {
        let message = v1::CreateDeviceRequest {
            name: name.to_owned(),
            platform: Some("linux".to_owned()),
            idempotency_key: key.map(str::to_owned),
        };
        Ok(self.sync.create_device(ctx.request(message)).await?.into_inner())
    }
}

/// Each change as `kind cause name-or-id`.
pub(crate) fn told(changes: &[v1::Change]) -> Vec<String> {
    let one = |change: &v1::Change| {
        let kind = match change.kind() {
            v1::ChangeKind::Upsert => "upsert",
            _ => "remove",
        };
        let cause = change
            .cause()
            .as_str_name()
            .trim_start_matches("CHANGE_CAUSE_")
            .to_lowercase();
        let name = change
            .node
            .as_ref()
            .map_or(change.node_id.as_str(), |node| &node.name);
        format!("{kind} {cause} {name}")
    };
    changes.iter().map(one).collect()
}
