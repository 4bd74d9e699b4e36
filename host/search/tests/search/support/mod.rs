//! Search and files as a daemon runs them, without a store: content is written into the tables, as a commit would.

use bitvault_files::Files;
use bitvault_platform::bus::InProcess;
use bitvault_platform::db::DbRole;
use bitvault_platform::ids::{AccountId, NodeId, SessionId, TenantId};
use bitvault_platform::rpc::{Signer, Transport, guard, local};
use bitvault_platform::{Clock, Ctx, Error, Role};
use bitvault_proto::internal::v1::index_service_server::IndexServiceServer;
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::{FilesService as _, FilesServiceServer};
use bitvault_proto::v1::metadata_service_server::MetadataService as _;
use bitvault_proto::v1::search_service_server::SearchService as _;
use bitvault_search::{Config, Search};
use bitvault_testing::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tonic::service::Routes;
use tower::BoxError;
use tower::util::BoxCloneSyncService;

/// Both modules on a database of their own.
pub(crate) struct World {
    pub(crate) files: Files,
    pub(crate) search: Search,
    pub(crate) database: Arc<TestDatabase>,
    pub(crate) bus: Arc<InProcess>,
    pub(crate) clock: Clock,
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::on(TestDatabase::new().await.unwrap())
    }

    pub(crate) fn on(database: TestDatabase) -> Self {
        let database = Arc::new(database);
        let at = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        let clock = Clock::fixed(at);
        let bus = Arc::new(InProcess::default());
        // Neither a store nor tenants that settled anything.
        let store: Transport =
            BoxCloneSyncService::new(tower::service_fn(|_: http::Request<tonic::body::Body>| {
                std::future::ready(Err::<http::Response<tonic::body::Body>, BoxError>(
                    "there is nothing".into(),
                ))
            }));
        let files = Files::new(
            bitvault_files::Config::default(),
            database.pool(DbRole::Files).unwrap(),
            database.pool(DbRole::Worker).unwrap(),
            store.clone(),
            store,
            bus.clone(),
            clock.clone(),
        )
        .unwrap();
        let search = search(&database, &files);
        Self {
            files,
            search,
            database,
            bus,
            clock,
            tenant: TenantId::new(),
            account: AccountId::new(),
        }
    }

    /// The same modules, for somebody of another tenant.
    pub(crate) fn another_tenant(&self) -> Self {
        Self {
            files: self.files.clone(),
            search: self.search.clone(),
            database: Arc::clone(&self.database),
            bus: Arc::clone(&self.bus),
            clock: self.clock.clone(),
            tenant: TenantId::new(),
            account: AccountId::new(),
        }
    }

    pub(crate) fn ctx(&self) -> Ctx {
        self.as_account(self.account)
    }

    pub(crate) fn as_account(&self, account: AccountId) -> Ctx {
        Ctx::account(self.tenant, account, SessionId::new(), Role::Member)
    }

    /// Brings the index up to the journal.
    pub(crate) async fn settle(&self) {
        while self.search.follow_once().await.unwrap() {}
    }

    pub(crate) async fn mkdir(&self, ctx: &Ctx, parent: &str, name: &str) -> v1::Node {
        let message = v1::CreateFolderRequest {
            parent_id: parent.to_owned(),
            name: name.to_owned(),
            idempotency_key: None,
        };
        self.files
            .create_folder(ctx.request(message))
            .await
            .unwrap()
            .into_inner()
    }

    pub(crate) async fn mv(&self, ctx: &Ctx, node: &v1::Node, name: Option<&str>, parent: Option<&str>) {
        let message = v1::UpdateNodeRequest {
            id: node.id.clone(),
            name: name.map(str::to_owned),
            parent_id: parent.map(str::to_owned),
            ..v1::UpdateNodeRequest::default()
        };
        self.files.update_node(ctx.request(message)).await.unwrap();
    }

    pub(crate) async fn rm(&self, ctx: &Ctx, node: &v1::Node, permanent: bool) {
        let message = v1::DeleteNodeRequest {
            id: node.id.clone(),
            permanent,
            revision: None,
            covers: None,
        };
        self.files.delete_node(ctx.request(message)).await.unwrap();
    }

    /// Adds tags and fields.
    pub(crate) async fn mark(&self, ctx: &Ctx, node: &v1::Node, tags: &[&str], fields: &[(&str, &str)]) {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        let change = v1::UpdateMetadataRequest {
            node_id: node.id.clone(),
            add_tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            set_fields: fields.iter().map(own).collect(),
            ..v1::UpdateMetadataRequest::default()
        };
        self.change(ctx, change).await;
    }

    pub(crate) async fn change(&self, ctx: &Ctx, change: v1::UpdateMetadataRequest) {
        self.files.update_metadata(ctx.request(change)).await.unwrap();
    }

    /// A file, as a commit leaves it in the tables.
    pub(crate) async fn put(&self, ctx: &Ctx, parent: &str, name: &str, size: i64, media: &str) -> String {
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
        let name = name.replace('\'', "''");
        let now = format!("to_timestamp({})", self.clock.now().unix_timestamp());
        self.admin(&format!(
            "BEGIN;
             INSERT INTO files.objects (tenant_id, id, key, size, state, state_at, expires_at, is_multipart)
             VALUES ('{tenant}', '{object}', '{object}', {size}, 'committed', {now}, {now}, false);
             INSERT INTO files.blobs (tenant_id, id, object_id, \"offset\", length, sha256, sha256_verified, created_at)
             VALUES ('{tenant}', '{blob}', '{object}', 0, {size}, sha256('x'), true, {now});
             INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, current_version, created_at,
                                      created_by, updated_at, updated_by)
             VALUES ('{tenant}', '{}', '{}', 'file', '{name}', lower('{name}'), '{version}', {now}, '{account}', {now},
                     '{account}');
             INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, created_at)
             VALUES ('{tenant}', '{version}', '{}', '{blob}', '{media}', {now});
             UPDATE files.journal_heads SET seq = seq + 1 WHERE tenant_id = '{tenant}';
             INSERT INTO files.journal (tenant_id, seq, node_id, kind, revision, at)
             SELECT '{tenant}', seq, '{}', 'created', 1, {now} FROM files.journal_heads WHERE tenant_id = '{tenant}';
             COMMIT",
            node.0, parent.0, node.0, node.0
        ))
        .await;
        node.to_string()
    }

    /// Gives an account a role on a node.
    pub(crate) async fn grant(&self, node: &v1::Node, account: AccountId, role: &str) {
        let (tenant, node) = (self.tenant.0, node.id.parse::<NodeId>().unwrap().0);
        self.admin(&format!(
            "INSERT INTO files.grants (tenant_id, node_id, subject_id, subject_kind, role, granted_at, granted_by)
             VALUES ('{tenant}', '{node}', '{}', 'account', '{role}', now(), '{}')",
            account.0, self.account.0
        ))
        .await;
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

    /// Rows of the tenant in the index.
    pub(crate) async fn held(&self) -> i64 {
        let mut admin = PgConnection::connect(&self.database.admin_url()).await.unwrap();
        let tables = ["cursors", "pending", "entries", "words", "postings", "trigrams"];
        let counts =
            tables.map(|table| format!("(SELECT count(*) FROM search.{table} WHERE tenant_id = $1)"));
        let held = sqlx::query_scalar(AssertSqlSafe(format!("SELECT {}", counts.join(" + "))))
            .bind(self.tenant.0)
            .fetch_one(&mut admin)
            .await
            .unwrap();
        admin.close().await.unwrap();
        held
    }

    /// Everything in the index, as text.
    pub(crate) async fn dump(&self) -> Vec<String> {
        let mut admin = PgConnection::connect(&self.database.admin_url()).await.unwrap();
        let sql = "SELECT concat_ws(' ', 'entry', node_id, tree_id, parent_id, name_key, words, family, size, revision,
                                    said, tags::text, marks::text)
                   FROM search.entries
                   UNION ALL
                   SELECT concat_ws(' ', 'posting', w.tree_id, w.word, p.node_id)
                   FROM search.postings p JOIN search.words w ON w.tenant_id = p.tenant_id AND w.id = p.word_id
                   UNION ALL
                   SELECT concat_ws(' ', 'word', tree_id, word, nodes) FROM search.words WHERE nodes > 0
                   UNION ALL
                   SELECT concat_ws(' ', 'lost', word_id) FROM search.postings p
                   WHERE NOT EXISTS (SELECT FROM search.words w WHERE w.id = p.word_id)
                   UNION ALL
                   SELECT concat_ws(' ', 'pending', node_id) FROM search.pending
                   ORDER BY 1";
        let rows = sqlx::query_scalar(sql).fetch_all(&mut admin).await.unwrap();
        admin.close().await.unwrap();
        rows
    }

    pub(crate) async fn ask(
        &self,
        ctx: &Ctx,
        request: v1::SearchRequest,
    ) -> Result<v1::SearchResponse, Error> {
        Ok(self.search.search(ctx.request(request)).await?.into_inner())
    }

    /// Names that a query finds, in order.
    pub(crate) async fn names(&self, ctx: &Ctx, query: &str) -> Vec<String> {
        names(&self.ask(ctx, asked(query)).await.unwrap())
    }
}

/// A second one is what another process runs.
pub(crate) fn search(database: &TestDatabase, files: &Files) -> Search {
    let signer = Signer::ephemeral(Clock::system()).unwrap();
    let routes = Routes::new(FilesServiceServer::new(files.clone()))
        .add_service(IndexServiceServer::new(files.clone()))
        .prepare();
    let transport = local(guard(routes, "files", signer.clone()), signer);
    // Small steps, so that tests cross their ends; and no looks but those that an event asks for.
    let config = Config {
        batch: 7,
        period: Duration::from_secs(3600),
    };
    Search::new(config, database.pool(DbRole::Search).unwrap(), transport).unwrap()
}

pub(crate) fn asked(query: &str) -> v1::SearchRequest {
    v1::SearchRequest {
        query: query.to_owned(),
        ..v1::SearchRequest::default()
    }
}

pub(crate) fn names(answer: &v1::SearchResponse) -> Vec<String> {
    answer
        .items
        .iter()
        .map(|hit| hit.node.as_ref().unwrap().name.clone())
        .collect()
}
