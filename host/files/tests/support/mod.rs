//! The module on a real Postgres, and on the real storage module over the embedded endpoint.

mod listing;
mod refusing;
pub(crate) mod tenants;

use bitvault_files::{Config, Files};
use bitvault_identity::Identity;
use bitvault_platform::bus::InProcess;
use bitvault_platform::db::DbRole;
use bitvault_platform::ids::{AccountId, NodeId, SessionId, TenantId};
use bitvault_platform::rpc::{Signer, Transport, guard, local};
use bitvault_platform::{Clock, Ctx, Error, Role};
use bitvault_proto::internal::v1::identity_service_client::IdentityServiceClient;
use bitvault_proto::internal::v1::storage_service_server::StorageServiceServer;
use bitvault_proto::internal::v1::{CreateAccountRequest, CreateTenantRequest};
use bitvault_proto::v1;
use bitvault_proto::v1::commit_result;
use bitvault_proto::v1::files_service_server::FilesService as _;
use bitvault_proto::v1::start_upload_result;
use bitvault_storage::{BackendConfig, GrantConfig, S3Settings, Storage};
use bitvault_testing::TestDatabase;
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, PgConnection};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::Request;

const ACCESS_KEY: &str = "filestest";
const SECRET_KEY: &str = "filestestsecret";

/// One running module with everything below it.
pub(crate) struct World {
    pub(crate) files: Files,
    /// Leads to the module identity. Most tests' tenants are not known there.
    pub(crate) identity: Transport,
    pub(crate) database: TestDatabase,
    pub(crate) bus: Arc<InProcess>,
    pub(crate) clock: Clock,
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
    pub(crate) ended: listing::Ended,
    pub(crate) refused: refusing::Refused,
    stop: CancellationToken,
    objects: tempfile::TempDir,
    another: Box<dyn Fn() -> Files + Send + Sync>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Small parts and a short life, so that tests are quick.
pub(crate) fn config() -> Config {
    let mut config = Config {
        multipart_threshold: bytesize::ByteSize::mib(1),
        part_size: bytesize::ByteSize::mib(5),
        ..Config::default()
    };
    config.collector.grace = Duration::from_secs(3600);
    config
}

#[allow(
    clippy::disallowed_methods,
    reason = "the store signs with the system's time, so tests begin there"
)]
fn now() -> time::OffsetDateTime {
    Clock::system().now()
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        Self::on(TestDatabase::new().await.unwrap(), config).await
    }

    pub(crate) async fn on(database: TestDatabase, config: Config) -> Self {
        let objects = tempfile::tempdir().unwrap();
        let mut s3 = bitvault_s3::Config::new(objects.path().join("objects"), ACCESS_KEY, SECRET_KEY);
        s3.buckets = vec!["files".to_owned()];
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let served = bitvault_s3::Endpoint::open(s3)
            .unwrap()
            .serve(listener, stop.clone());
        tokio::spawn(async move { served.await.unwrap() });

        let settings = S3Settings {
            endpoint: endpoint.parse().unwrap(),
            region: "us-east-1".to_owned(),
            bucket: "files".to_owned(),
            prefix: String::new(),
            addressing: Default::default(),
        };
        let mut backend = BackendConfig::new(settings, ACCESS_KEY, SECRET_KEY.into());
        backend.grant = GrantConfig {
            allow_private_addresses: true,
            ..GrantConfig::default()
        };
        let component =
            bitvault_wasm::asset(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), "storage-s3");
        let component = std::fs::read(component.unwrap()).unwrap();
        let mut storage_config = bitvault_storage::Config::new(backend);
        // Compiled once for all tests; without optimisation that takes seconds.
        storage_config.engine.cache_dir =
            Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins"));
        let storage = Storage::start(storage_config, component, Clock::system())
            .await
            .unwrap();
        tokio::time::timeout(Duration::from_secs(60), storage.wait_until_ready())
            .await
            .unwrap();

        let clock = Clock::fixed(now());
        let bus = Arc::new(InProcess::default());
        let ended = listing::Ended::default();
        let refused = refusing::Refused::default();
        let pool = database.pool(DbRole::Identity).unwrap();
        let identity = Identity::new(Default::default(), pool, clock.clone(), "http://127.0.0.1").unwrap();
        let signer = Signer::ephemeral(Clock::system()).unwrap();
        let identity = local(guard(identity.routes(), "identity", signer.clone()), signer);
        let another = {
            let (storage, identity) = (
                transport(storage, ended.clone(), refused.clone()),
                identity.clone(),
            );
            let roles = [DbRole::Files, DbRole::Worker];
            let [pool, workers] = roles.map(|role| database.pool(role).unwrap());
            let (bus, clock) = (bus.clone(), clock.clone());
            move || {
                Files::new(
                    config.clone(),
                    pool.clone(),
                    workers.clone(),
                    storage.clone(),
                    identity.clone(),
                    bus.clone(),
                    clock.clone(),
                )
                .unwrap()
            }
        };
        Self {
            files: another(),
            another: Box::new(another),
            identity,
            database,
            bus,
            clock,
            tenant: TenantId::new(),
            account: AccountId::new(),
            ended,
            refused,
            stop,
            objects,
        }
    }

    /// The module of another daemon that serves the same database and store.
    pub(crate) fn another(&self) -> Files {
        (self.another)()
    }

    /// The usual caller.
    pub(crate) fn ctx(&self) -> Ctx {
        self.as_account(self.account)
    }

    pub(crate) fn as_account(&self, account: AccountId) -> Ctx {
        Ctx::account(self.tenant, account, SessionId::new(), Role::Member)
    }

    /// Somebody of another tenant.
    pub(crate) fn stranger(&self) -> Ctx {
        Ctx::account(TenantId::new(), AccountId::new(), SessionId::new(), Role::Owner)
    }

    /// A tenant that the module identity knows.
    pub(crate) async fn known_tenant(&self, name: &str) -> TenantId {
        let message = CreateTenantRequest {
            name: name.to_owned(),
        };
        let made = IdentityServiceClient::new(self.identity.clone())
            .create_tenant(Ctx::system("test").request(message))
            .await;
        made.unwrap().into_inner().tenant_id.parse().unwrap()
    }

    /// Somebody who belongs to a tenant as the module identity knows it.
    pub(crate) async fn known_account(&self, tenant: TenantId, role: &str) -> AccountId {
        let message = CreateAccountRequest {
            tenant_id: tenant.to_string(),
            email: format!("{role}-{}@example.org", tenant.0.simple()),
            password: "correct-horse-battery".to_owned(),
            display_name: String::new(),
            role: role.to_owned(),
        };
        let made = IdentityServiceClient::new(self.identity.clone())
            .create_account(Ctx::system("test").request(message))
            .await;
        made.unwrap().into_inner().account_id.parse().unwrap()
    }

    /// An administrator's connection: no policy binds it.
    pub(crate) async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url()).await.unwrap()
    }

    /// One number from the database.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let mut admin = self.admin().await;
        let count = sqlx::query_scalar(sql).fetch_one(&mut admin).await.unwrap();
        admin.close().await.unwrap();
        count
    }

    pub(crate) async fn start(
        &self,
        ctx: &Ctx,
        items: Vec<v1::StartUpload>,
    ) -> Vec<Result<v1::Upload, Error>> {
        self.start_keyed(ctx, items, None).await.unwrap()
    }

    pub(crate) async fn start_keyed(
        &self,
        ctx: &Ctx,
        items: Vec<v1::StartUpload>,
        key: Option<&str>,
    ) -> Result<Vec<Result<v1::Upload, Error>>, Error> {
        let message = v1::StartUploadsRequest {
            items,
            idempotency_key: key.map(str::to_owned),
        };
        let answer = self
            .files
            .start_uploads(request(ctx, message))
            .await?
            .into_inner();
        Ok(answer
            .items
            .into_iter()
            .map(|item| match item.result.unwrap() {
                start_upload_result::Result::Upload(upload) => Ok(upload),
                start_upload_result::Result::Error(status) => Err(status.into()),
            })
            .collect())
    }

    pub(crate) async fn commit(
        &self,
        ctx: &Ctx,
        items: Vec<v1::CommitUpload>,
    ) -> Vec<Result<v1::Node, Error>> {
        self.try_commit(ctx, items).await.unwrap()
    }

    /// A commit that may fail as a whole.
    pub(crate) async fn try_commit(
        &self,
        ctx: &Ctx,
        items: Vec<v1::CommitUpload>,
    ) -> Result<Vec<Result<v1::Node, Error>>, Error> {
        self.commit_by(&self.files, ctx, items).await
    }

    /// The same by this daemon.
    pub(crate) async fn commit_by(
        &self,
        files: &Files,
        ctx: &Ctx,
        items: Vec<v1::CommitUpload>,
    ) -> Result<Vec<Result<v1::Node, Error>>, Error> {
        let message = v1::CommitUploadsRequest { items };
        let answer = files.commit_uploads(request(ctx, message)).await?.into_inner();
        let results = answer.items.into_iter().map(|item| match item.result.unwrap() {
            commit_result::Result::Node(node) => Ok(node),
            commit_result::Result::Error(status) => Err(status.into()),
        });
        Ok(results.collect())
    }

    pub(crate) async fn commit_one(&self, upload: &str) -> Result<v1::Node, Error> {
        self.commit(&self.ctx(), vec![committing(upload)]).await.remove(0)
    }

    /// Starts an upload and sends its bytes; commit is left to the test.
    pub(crate) async fn sent(&self, parent: &str, name: &str, content: &[u8]) -> String {
        let upload = self
            .start(&self.ctx(), vec![file(parent, name, content)])
            .await
            .remove(0)
            .unwrap();
        send(upload.parts[0].request.as_ref().unwrap(), content).await;
        upload.id
    }

    /// Uploads a file.
    pub(crate) async fn put(&self, parent: &str, name: &str, content: &[u8]) -> Result<v1::Node, Error> {
        let upload = self.sent(parent, name, content).await;
        self.commit_one(&upload).await
    }

    /// Uploads a new version of a file.
    pub(crate) async fn put_version(&self, node: &str, content: &[u8]) -> v1::Node {
        let item = version(node, None, content);
        let upload = self.start(&self.ctx(), vec![item]).await.remove(0).unwrap();
        send(upload.parts[0].request.as_ref().unwrap(), content).await;
        self.commit_one(&upload.id).await.unwrap()
    }

    /// Gives an account a role on a node.
    pub(crate) async fn grant(&self, node: &str, account: AccountId, role: &str) {
        let node: NodeId = node.parse().unwrap();
        let mut admin = self.admin().await;
        let sql = "INSERT INTO files.grants (tenant_id, node_id, subject_id, subject_kind, role, granted_at, granted_by)
                   VALUES ($1, $2, $3, 'account', $4, now(), $3)
                   ON CONFLICT (tenant_id, node_id, subject_id) DO UPDATE SET role = excluded.role";
        let insert = sqlx::query(sql).bind(self.tenant.0).bind(node.0).bind(account.0);
        insert.bind(role).execute(&mut admin).await.unwrap();
        admin.close().await.unwrap();
    }

    /// Somebody whose home the usual caller may change, and that home.
    pub(crate) async fn neighbour(&self) -> (Ctx, String) {
        let account = AccountId::new();
        let ctx = self.as_account(account);
        let home = self.get(&ctx, "root").await.unwrap().id;
        self.grant(&home, self.account, "editor").await;
        (ctx, home)
    }

    /// Where the embedded store keeps what is put into it.
    pub(crate) fn store_folder(&self) -> &Path {
        self.objects.path()
    }

    /// Demands that nothing is amiss: objects in the store, rows, counted space.
    pub(crate) async fn clean(&self) {
        let check = self.files.fsck().await.unwrap();
        assert!(check.is_clean(), "{check:?}");
    }

    pub(crate) async fn mkdir(&self, parent: &str, name: &str) -> Result<v1::Node, Error> {
        let message = v1::CreateFolderRequest {
            parent_id: parent.to_owned(),
            name: name.to_owned(),
            idempotency_key: None,
        };
        Ok(self
            .files
            .create_folder(request(&self.ctx(), message))
            .await?
            .into_inner())
    }

    pub(crate) async fn delete(&self, id: &str, permanent: bool) -> Result<(), Error> {
        let message = v1::DeleteNodeRequest {
            id: id.to_owned(),
            permanent,
            revision: None,
            covers: None,
        };
        self.files.delete_node(request(&self.ctx(), message)).await?;
        Ok(())
    }

    pub(crate) async fn get(&self, ctx: &Ctx, id: &str) -> Result<v1::Node, Error> {
        let message = v1::GetNodeRequest { id: id.to_owned() };
        Ok(self.files.get_node(request(ctx, message)).await?.into_inner())
    }

    pub(crate) async fn list(&self, id: &str) -> Result<Vec<v1::Node>, Error> {
        let message = v1::ListChildrenRequest {
            id: id.to_owned(),
            limit: 0,
            cursor: None,
            ..v1::ListChildrenRequest::default()
        };
        Ok(self
            .files
            .list_children(request(&self.ctx(), message))
            .await?
            .into_inner()
            .items)
    }

    /// Reads a file's content as a client does.
    pub(crate) async fn read(&self, id: &str) -> Vec<u8> {
        self.read_content(id, None).await
    }

    pub(crate) async fn read_version(&self, id: &str, version: &str) -> Vec<u8> {
        self.read_content(id, Some(version.to_owned())).await
    }

    async fn read_content(&self, id: &str, version_id: Option<String>) -> Vec<u8> {
        let message = v1::GetContentRequest {
            node_id: id.to_owned(),
            version_id,
            attachment: false,
        };
        let content = self
            .files
            .get_content(request(&self.ctx(), message))
            .await
            .unwrap()
            .into_inner();
        let response = reqwest::get(content.request.unwrap().url).await.unwrap();
        assert!(response.status().is_success());
        let bytes = response.bytes().await.unwrap().to_vec();
        assert_eq!(sha256(&bytes), content.sha256);
        bytes
    }
}

fn transport(storage: Storage, ended: listing::Ended, refused: refusing::Refused) -> Transport {
    let signer = Signer::ephemeral(Clock::system()).unwrap();
    let server = StorageServiceServer::new(storage).max_decoding_message_size(32 << 20);
    let served = listing::remembering(guard(server, "storage", signer.clone()), ended);
    local(refusing::refusing(served, refused), signer)
}

/// A request as the gateway's transport delivers it.
pub(crate) fn request<T>(ctx: &Ctx, message: T) -> Request<T> {
    ctx.request(message)
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

/// A new file to upload.
pub(crate) fn file(parent: &str, name: &str, content: &[u8]) -> v1::StartUpload {
    v1::StartUpload {
        parent_id: Some(parent.to_owned()),
        name: Some(name.to_owned()),
        size: content.len() as u64,
        sha256: Some(sha256(content)),
        ..v1::StartUpload::default()
    }
}

/// A new version to upload.
pub(crate) fn version(node: &str, base: Option<&str>, content: &[u8]) -> v1::StartUpload {
    v1::StartUpload {
        node_id: Some(node.to_owned()),
        base_version: base.map(str::to_owned),
        size: content.len() as u64,
        sha256: Some(sha256(content)),
        ..v1::StartUpload::default()
    }
}

pub(crate) fn committing(upload: &str) -> v1::CommitUpload {
    v1::CommitUpload {
        upload_id: upload.to_owned(),
        ..v1::CommitUpload::default()
    }
}

/// Sends bytes to a presigned request; answers the store's tag.
pub(crate) async fn send(presigned: &v1::PresignedRequest, body: &[u8]) -> String {
    let response = try_send(presigned, body).await;
    assert!(
        response.status().is_success(),
        "{}",
        response.text().await.unwrap()
    );
    response
        .headers()
        .get("etag")
        .map_or(String::new(), |tag| tag.to_str().unwrap().to_owned())
}

pub(crate) async fn try_send(presigned: &v1::PresignedRequest, body: &[u8]) -> reqwest::Response {
    let mut sent = reqwest::Client::new().request(presigned.method.parse().unwrap(), &presigned.url);
    for (name, value) in &presigned.headers {
        // The client sets the length itself, but leaves it out when it is 0.
        if name != "content-length" || body.is_empty() {
            sent = sent.header(name, value);
        }
    }
    sent.body(body.to_vec()).send().await.unwrap()
}
